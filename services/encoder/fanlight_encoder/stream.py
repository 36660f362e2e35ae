"""One stream under one lease: takes frames and builds units until it is cancelled.

Lives on the worker's loop. Owns the stream's feed, schedule and builder. Converting and encoding
are jobs for a thread, one at a time, except for jobs that take less time than the thread takes to
wake up. The schedule decides what happens next. Drops frames before encoding, never a unit after
it.
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
from fanlight_common.core.errors import CodecError, FrameLostError, SegmentLostError
from fanlight_common.process import clock
from fanlight_common.process.wakeup import Wakeup
from fanlight_common.protocol import bus
from fanlight_common.protocol.binary import VideoUnit
from fanlight_common.protocol.frames import Frame
from fanlight_encoder import metrics
from fanlight_encoder.core.numbering import Numbering
from fanlight_encoder.core.renditions import StreamParams, least_bytes
from fanlight_encoder.core.schedule import Encode, Refine, Schedule, Wait
from fanlight_encoder.core.unit_kinds import BuiltUnit, UnitKind
from fanlight_encoder.units.builder import UnitAllowance, UnitBuilder
from fanlight_encoder.units.pipeline import Pipeline

log = logging.getLogger(__name__)

PublishUnit = Callable[[VideoUnit], None]
_Result = TypeVar("_Result")


class StreamEncoder:
    """Encodes `stream` by the lease of `epoch`, with frames from a feed of its own."""

    def __init__(
        self,
        stream: str,
        epoch: int,
        params: StreamParams,
        *,
        numbering: Numbering,
        open_feed: Callable[[], FrameFeed],
        pipeline: Pipeline,
        threads: Executor,
        publish: PublishUnit,
        busy: Callable[[float], None],
        now_us: Callable[[], int] = clock.now_us,
    ) -> None:
        """`busy` is called with the seconds of each job. `now_us` is the clock by which frames and
        units are stamped. The stream closes the pipeline when it ends."""
        self.stream = stream
        self.epoch = epoch
        self.pipeline = pipeline
        self._open_feed = open_feed
        self._threads = threads
        self._publish = publish
        self._busy = busy
        self._now_us = now_us
        self._params = params
        self._builder = UnitBuilder(pipeline, patches=params.patches, limits=params.limits)
        self._schedule = Schedule.for_stream(params)
        self._numbering = numbering
        self._newest: Frame | None = None
        """The newest frame, until the encoder begins a unit of it."""
        self._encoded: tuple[int, int] | None = None
        """Instance and sequence of the frame that became the last picture."""
        self._readable: str | None = None
        """Instance of the capture whose shared memory could be read last."""
        self._lost = False
        """The desk has changed since the last picture, and the frame that shows it was lost."""
        self._no_room = False
        self._job_s = 0.0
        self._wake = Wakeup()

    def request_idr(self) -> None:
        """Note that a viewer cannot go on without an IDR."""
        metrics.idr_requested.labels(self.stream).inc()
        if self._schedule.idr.request():
            self._wake.set()

    def demand_changed(self, demand: bus.StreamDemand) -> None:
        """Take in a gateway's report: do its viewers have room, and what can the slowest take?"""
        now = clock.now_s()
        self._schedule.room.report(demand.gateway, demand.room, now, demand.kbps, demand.in_band)
        self._follow_rate(now)
        self._wake.set()

    async def run(self) -> None:
        """Encode for ever. When cancelled, wait for the job that runs, and close everything."""
        log.info("event=stream_begins stream=%s epoch=%d", self.stream, self.epoch)
        try:
            with contextlib.closing(self._open_feed()) as self._feed:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._feed.run(self._frame_came))
                    group.create_task(self._encode_frames())
        finally:
            self.pipeline.close()
            with contextlib.suppress(KeyError):  # the rate never left the ceiling
                metrics.rate_kbps.remove(self.stream)
            log.info("event=stream_ends stream=%s epoch=%d", self.stream, self.epoch)

    def _frame_came(self, frame: Frame) -> None:
        """Keep the newest frame, also while the one before it is being encoded."""
        # Capture has published the same picture again, for an encoder that began later.
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
                await self._carry_out(decision)
                continue
            self._no_room = decision.no_room
            await self._wake.wait(None if decision.until is None else decision.until - now)

    def _follow_rate(self, now: float) -> None:
        least = self._schedule.room.least_kbps(now)
        kbps = self._params.kbps if least is None else min(least, self._params.kbps)
        if kbps != self._schedule.budget.kbps:
            self._schedule.budget.set_rate(kbps, now)
            metrics.rate_kbps.labels(self.stream).set(kbps)

    def _allowance(self) -> UnitAllowance:
        budget = self._schedule.budget
        available = budget.available_bytes(clock.now_s())
        unit_bytes = max(available, self._schedule.least_bytes)
        return UnitAllowance(budget.kbps, unit_bytes, self._params.limits)

    async def _carry_out(self, decision: Encode | Refine) -> None:
        """Build the unit and publish it.

        There is no unit if the frame is lost or the codecs fail. The last picture stays then.
        """
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
            unit = await self._build(frame, decision, self._allowance())
        except FrameLostError as error:
            self._on_lost(error)
            return
        except CodecError as error:
            # The fallback has failed as well. This stream rests, and the others go on.
            log.error("event=codecs_failed stream=%s reason=%r", self.stream, str(error))
            if frame is not None:
                self._encoded = _identity(frame)
            self._schedule.failed(clock.now_s())
            return
        if frame is not None:
            self._encoded, self._lost = _identity(frame), False
            self._readable = self._capture()
        if unit.kind in (UnitKind.IDR, UnitKind.DELTA):
            can = self.pipeline.codec.capabilities
            self._schedule.least_bytes = least_bytes(self.pipeline.seen) if can.unit_limit else 0
        self._schedule.unit_built(decision, unit, clock.now_s())
        if unit.kind is not UnitKind.NOTHING:
            self._publish(self._label(unit, captured_us))

    async def _build(
        self, frame: Frame | None, decision: Encode | Refine, allowance: UnitAllowance
    ) -> BuiltUnit:
        if frame is not None and isinstance(decision, Encode) and decision.may_patch:
            # This runs on the loop, because a thread takes longer to wake up, and to wake this
            # task, than a small patch takes.
            small = self._timed(partial(self._builder.small, self._feed, frame, allowance))
            self._busy(self._job_s)
            if small is not None:
                return small
        return await self._in_thread(partial(self._job, frame, decision, allowance))

    def _job(
        self, frame: Frame | None, decision: Encode | Refine, allowance: UnitAllowance
    ) -> BuiltUnit:
        """Build the unit. Runs in a thread."""
        if isinstance(decision, Refine):
            return self._builder.refine(allowance)
        if frame is None:
            return self._builder.again(self._feed, allowance, idr=decision.idr)
        return self._builder.fresh(
            self._feed, frame, allowance, idr=decision.idr, may_patch=decision.may_patch
        )

    def _timed(self, job: Callable[[], _Result]) -> _Result:
        started = time.perf_counter()
        try:
            return job()
        finally:
            self._job_s = time.perf_counter() - started

    async def _in_thread(self, job: Callable[[], BuiltUnit]) -> BuiltUnit:
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, self._timed, job)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # The job still uses the feed's memory, so it has to end before the feed is closed. The
            # unit that it builds must not be sent, because the lease is gone.
            metrics.skipped.labels("not_leased").inc()
            await asyncio.wait({running})
            raise
        finally:
            # An error's traceback refers to this call's variables, and `running` refers to the
            # error. Both would keep their pictures until the garbage collector finds them.
            del running
            self._busy(self._job_s)

    def _captured_us(self, frame: Frame | None) -> int | None:
        """Return when the picture was last known to be what the desk shows. None: not known."""
        if frame is not None:
            return max(frame.captured_us, frame.current_us)
        # Capture sends every change, so no frame means no change. That does not hold if the capture
        # or its display is gone, if the frame of a change was lost, or if a newer frame waits.
        record = self._feed.record
        there = record is not None and record.alive and record.width > 0
        return self._now_us() if there and not (self._lost or self._newest) else None

    def _on_lost(self, error: FrameLostError) -> None:
        metrics.skipped.labels("frame_lost").inc()
        self._lost = True
        capture = self._capture()
        if not isinstance(error, SegmentLostError):
            self._readable = capture
        # One failure is enough to ask for pixels in messages, because a desk that does not change
        # may send no further frame. If this capture's memory was readable before, only the segment
        # has changed, and a new frame is coming.
        elif self._readable != capture:
            self._feed.fall_back_to_pixels()

    def _capture(self) -> str | None:
        record = self._feed.record
        return record.instance if record is not None else None

    def _label(self, unit: BuiltUnit, captured_us: int | None) -> VideoUnit:
        sequence, captured_us = self._numbering.next(captured_us)
        patch = unit.kind is UnitKind.PATCH
        size = self._builder.size if patch else self.pipeline.seen
        if unit.kind is UnitKind.IDR:
            metrics.idr_encoded.labels(self.stream, self._schedule.idr.reason).inc()
        metrics.units.labels(self.stream, unit.kind).inc()
        metrics.unit_bytes.labels(self.stream, unit.kind).inc(len(unit.payload))
        return VideoUnit(
            idr=unit.kind is UnitKind.IDR,
            width=size.width,
            height=size.height,
            epoch=self.epoch,
            sequence=sequence,
            captured_us=captured_us,
            payload=unit.payload,
            patch=patch,
            areas=unit.areas,
        )


def _identity(frame: Frame) -> tuple[int, int]:
    return frame.instance, frame.sequence
