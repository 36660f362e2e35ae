"""One stream under one lease: takes frames, makes units, until it is cancelled.

Lives on the worker's loop; converting and encoding are jobs for a thread, one at a time, but for
those that take less time than handing them over. What happens next is the schedule's decision.
Drops frames before encoding, never a unit after it.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from fanlight_common.bus.frame_feed import FrameFeed
from fanlight_common.core.budget import Budget
from fanlight_common.core.errors import CodecError, FrameLostError, SegmentLostError
from fanlight_common.core.names import Rendition, split_stream
from fanlight_common.process import clock
from fanlight_common.process.wakeup import Wakeup
from fanlight_common.protocol import bus
from fanlight_common.protocol.binary import VideoUnit
from fanlight_common.protocol.frames import Frame
from fanlight_encoder import metrics
from fanlight_encoder.codecs.options import buffer_s, ceiling_kbps, fps_of, least_bytes
from fanlight_encoder.core.idr_policy import IdrPolicy
from fanlight_encoder.core.motion import Motion
from fanlight_encoder.core.numbering import Numbering
from fanlight_encoder.core.pacer import Pacer
from fanlight_encoder.core.renditions import SHAPES
from fanlight_encoder.core.room import RoomPolicy
from fanlight_encoder.core.schedule import Encode, Refine, Schedule, Wait
from fanlight_encoder.core.unit_kinds import Kind, Made
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.builder import Aim, Maker
from fanlight_encoder.units.pipeline import Pipeline

log = logging.getLogger(__name__)

Publish = Callable[[VideoUnit], None]
_Result = TypeVar("_Result")


class Stream:
    """Encodes `stream` by the lease of `epoch`, with frames of its own feed."""

    def __init__(
        self,
        stream: str,
        epoch: int,
        settings: EncoderSettings,
        *,
        open_feed: Callable[[], FrameFeed],
        pipeline: Pipeline,
        threads: Executor,
        publish: Publish,
        busy: Callable[[float], None],
        now_us: Callable[[], int] = clock.now_us,
    ) -> None:
        """`now_us`: the clock that frames and units are stamped with."""
        self.stream = stream
        self.epoch = epoch
        self.pipeline = pipeline
        self._open_feed = open_feed
        self._threads = threads
        self._publish = publish
        self._busy = busy
        self._now_us = now_us
        self._limits = settings.unit_limits
        rendition = split_stream(stream)[1]
        patches = settings.patches and SHAPES[rendition].patches
        self._maker = Maker(stream, pipeline, patches=patches, limits=settings.unit_limits)
        self._ceiling_kbps = ceiling_kbps(settings, rendition)
        self._schedule = Schedule(
            budget=Budget(self._ceiling_kbps, buffer_s(settings, rendition)),
            idr=IdrPolicy(settings.idr_interval_ms / 1000, settings.gop),
            room=RoomPolicy(settings.room_timeout_s),
            motion=Motion(settings.repeat_interval_ms / 1000, patches=patches),
            pacer=Pacer(fps_of(settings, rendition)),
            keyframes_only=rendition is Rendition.KEYFRAMES,
            limits=settings.unit_limits,
        )
        self._numbering = Numbering()
        self._newest: Frame | None = None
        self._encoded: tuple[int, int] | None = None
        """Instance and sequence of the frame that is the last picture."""
        self._readable: str | None = None
        """Instance of the capture whose shared memory could be read."""
        self._lost = False
        """The desk has changed since the last picture, in a way that was not seen."""
        self._no_room = False
        self._job_s = 0.0
        self._wake = Wakeup()

    def request_idr(self) -> None:
        """A viewer's gate is closed."""
        metrics.idr_requested.labels(self.stream).inc()
        if self._schedule.idr.request():
            self._wake.set()

    def heard(self, said: bus.StreamDemand) -> None:
        """Whether a gateway's viewers have room, and what the slowest can take."""
        now = clock.now_s()
        self._schedule.room.heard(said.gateway, said.room, now, said.kbps, said.in_band)
        self._follow_rate(now)
        self._wake.set()

    async def run(self) -> None:
        """For ever."""
        log.info("event=stream_begins stream=%s epoch=%d", self.stream, self.epoch)
        self._feed = self._open_feed()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed.run(self._frame_came))
                group.create_task(self._encode_frames())
        finally:
            self._feed.close()
            with contextlib.suppress(KeyError):  # at the ceiling from the first to the last
                metrics.rate_kbps.remove(self.stream)
            log.info("event=stream_ends stream=%s epoch=%d", self.stream, self.epoch)

    def _frame_came(self, frame: Frame) -> None:
        """Hold on to the newest frame, also while the one before is being encoded."""
        # The same picture again, for somebody who came later.
        if self._newest is None and _identity(frame) == self._encoded:
            return
        self._newest = frame
        if not self._schedule.frame_came():
            metrics.skipped.labels("no_room" if self._no_room else "newer").inc()
        self._wake.set()

    async def _encode_frames(self) -> None:
        while True:
            self._wake.clear()
            now = clock.now_s()
            self._follow_rate(now)
            decision = self._schedule.next(now)
            if not isinstance(decision, Wait):
                self._no_room = False
                await self._make(decision)
                continue
            self._no_room = decision.no_room
            await self._wake.wait(None if decision.until is None else decision.until - now)

    def _follow_rate(self, now: float) -> None:
        least = self._schedule.room.least_kbps(now)
        kbps = self._ceiling_kbps if least is None else min(least, self._ceiling_kbps)
        if kbps != self._schedule.budget.kbps:
            self._schedule.budget.set_rate(kbps, now)
            metrics.rate_kbps.labels(self.stream).set(kbps)

    def _aim(self) -> Aim:
        budget = self._schedule.budget
        available = budget.available_bytes(clock.now_s())
        least = max(available, self._schedule.least_bytes)
        return Aim(budget.kbps, least, self._limits)

    async def _make(self, decision: Encode | Refine) -> None:
        self._schedule.begin(decision)
        frame = None
        if isinstance(decision, Encode) and decision.fresh:
            frame, self._newest = self._newest, None
            assert frame is not None
        captured_us = self._captured_us(frame)
        if frame is not None:
            waited_us = self._now_us() - max(frame.captured_us, frame.current_us)
            metrics.wait_seconds.observe(max(0, waited_us) / 1e6)
        try:
            made = await self._made(frame, decision, self._aim())
        except FrameLostError as error:
            self._on_lost(error)
            return
        except CodecError as error:
            # Not even libx264: this stream rests, the others go on.
            log.error("event=stream_failed stream=%s reason=%r", self.stream, str(error))
            if frame is not None:
                self._encoded = _identity(frame)
            self._schedule.failed(clock.now_s())
            return
        if frame is not None:
            self._encoded, self._lost = _identity(frame), False
            self._readable = self._capture()
        if made.kind in (Kind.IDR, Kind.DELTA):
            self._schedule.least_bytes = least_bytes(self.pipeline.seen)
        self._schedule.made(decision, made, clock.now_s())
        if made.kind is not Kind.NOTHING:
            self._publish(self._label(made, captured_us))

    async def _made(self, frame: Frame | None, decision: Encode | Refine, aim: Aim) -> Made:
        if frame is not None and isinstance(decision, Encode) and decision.may_patch:
            # Here and now: a thread's waking up, and ours by it, takes longer than a small patch.
            small = self._timed(partial(self._maker.small, self._feed, frame, aim))
            self._busy(self._job_s)
            if small is not None:
                return small
        return await self._in_thread(partial(self._job, frame, decision, aim))

    def _job(self, frame: Frame | None, decision: Encode | Refine, aim: Aim) -> Made:
        """In a thread."""
        if isinstance(decision, Refine):
            return self._maker.refine(aim)
        if frame is None:
            return self._maker.again(self._feed, aim, idr=decision.idr)
        return self._maker.fresh(
            self._feed, frame, aim, idr=decision.idr, may_patch=decision.may_patch
        )

    def _timed(self, job: Callable[[], _Result]) -> _Result:
        started = time.perf_counter()
        try:
            return job()
        finally:
            self._job_s = time.perf_counter() - started

    async def _in_thread(self, job: Callable[[], Made]) -> Made:
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, self._timed, job)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # The job still uses the feed's memory: it has to end before the feed is closed. What
            # it makes is not ours to send any more.
            metrics.skipped.labels("not_leased").inc()
            await asyncio.wait({running})
            raise
        finally:
            # An error's traceback has this frame, and the frame would have the error: pictures and
            # all, the garbage collector would find them some day.
            del running
            self._busy(self._job_s)

    def _captured_us(self, frame: Frame | None) -> int | None:
        """The moment at which the picture was last known to be what the desk shows."""
        if frame is not None:
            return max(frame.captured_us, frame.current_us)
        # The capture sends every change, so no news means no change; unless it, or its display, has
        # gone, or a change was seen and lost, or a newer frame waits.
        record = self._feed.record
        there = record is not None and record.alive and record.width > 0
        return self._now_us() if there and not (self._lost or self._newest) else None

    def _on_lost(self, error: FrameLostError) -> None:
        metrics.skipped.labels("frame_lost").inc()
        self._lost = True
        capture = self._capture()
        if not isinstance(error, SegmentLostError):
            self._readable = capture
        # On a still desk there may be no next frame to wait for, so one failure has to do. Where
        # its memory was readable before, only the segment has changed and a new frame is coming.
        elif self._readable != capture:
            self._feed.fall_back_to_pixels()

    def _capture(self) -> str | None:
        record = self._feed.record
        return record.instance if record is not None else None

    def _label(self, made: Made, captured_us: int | None) -> VideoUnit:
        sequence, captured_us = self._numbering.next(captured_us)
        patch = made.kind is Kind.PATCH
        size = self._maker.size if patch else self.pipeline.seen
        if made.kind is Kind.IDR:
            metrics.idr_made.labels(self.stream, self._schedule.idr.why).inc()
        metrics.units.labels(self.stream, made.kind).inc()
        metrics.unit_bytes.labels(self.stream, made.kind).inc(len(made.payload))
        return VideoUnit(
            idr=made.kind is Kind.IDR,
            width=size.width,
            height=size.height,
            epoch=self.epoch,
            sequence=sequence,
            captured_us=captured_us,
            payload=made.payload,
            patch=patch,
            areas=made.areas,
        )


def _identity(frame: Frame) -> tuple[int, int]:
    return frame.instance, frame.sequence
