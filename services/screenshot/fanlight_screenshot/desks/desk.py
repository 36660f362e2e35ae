"""One desk as the screenshot service sees it: fresh frames on demand, and the last picture.

Lives on the worker's loop. The pool copies pixels, for one desk one copy at a time, because a
FrameFeed may be read by one thread only. The subscription is passive: capture grabs when the
service tells it to. It drops every frame but the newest, and copies a frame only when its pixels
are needed, so that an unchanged desk costs no more than a descriptor. Times are seconds of the
process's clock; only the stamps of frames are microseconds of the bus clock.

An error about a frame or a pointer event is passed to `failed`, which closes this desk and no
other. Requests that wait for a closed desk get DeskClosedError.
"""

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from fanlight_common.bus.frame_feed import FrameFeed
from fanlight_common.bus.inlet_connections import CurrentInlet, InletConnections
from fanlight_common.core.errors import FanlightError, FrameLostError
from fanlight_common.patching.pixels import Pixels, from_buffer
from fanlight_common.process import clock
from fanlight_common.protocol import bus, frames, topics
from fanlight_common.service.worker import Worker
from fanlight_screenshot import metrics
from fanlight_screenshot.core.change_history import ChangeHistory
from fanlight_screenshot.core.grabs import Grabs
from fanlight_screenshot.core.tuning import Tuning
from fanlight_screenshot.desks.pointer import PointerFollower
from fanlight_screenshot.images.encoding_cache import EncodingCache

log = logging.getLogger(__name__)
UNREADABLE_LIMIT = 3
"""After so many unreadable frames in a row, shared memory counts as out of reach."""


class DeskClosedError(FanlightError):
    """The desk was closed while a request waited for it. The next request opens it anew."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The frame that answers a request."""

    frame: frames.Frame
    stale: bool
    """The desk may look different by now: it has gone, or its capture does not answer."""


class ScreenshotDesk:
    """A desk, from the moment the directory publishes its record until `close`."""

    def __init__(
        self,
        worker: Worker,
        inlets: InletConnections,
        pool: Executor,
        group: asyncio.TaskGroup,
        tuning: Tuning,
        record: bus.DeskRecord,
        failed: Callable[["ScreenshotDesk", Exception], None],
    ) -> None:
        """Connect. `group` runs the tasks that receive; `failed` has to close the desk.

        If connecting raises an error, nothing of the desk is left behind.
        """
        self.record = record
        self.encodings: EncodingCache[bytes] = EncodingCache()
        self.history = ChangeHistory()
        self.pointer = PointerFollower(
            worker.network, record.desk, tuning.pointer, group, lambda error: failed(self, error)
        )
        self._worker = worker
        self._inlet = CurrentInlet(inlets)
        self._pool = pool
        self._failed = failed
        self._times = tuning.grabs
        self._grabs = Grabs(tuning.grabs)
        self._feed = FrameFeed(worker, record.desk, topics.screenshot)
        self._newest: frames.Frame | None = None
        self._fresh_at_s = 0.0
        """When the newest frame was known to be current; seconds of this process's clock."""
        self._arrival = asyncio.Event()
        """Set, and replaced by a new one, with each frame and each record."""
        self._kept: tuple[frames.Frame, Pixels] | None = None
        self._copying = asyncio.Lock()
        self._awaited: tuple[frames.Frame, float] | None = None
        """The frame after which capture was asked for the next one, and when; seconds of this
        process's clock."""
        self._unreadable = 0
        self._is_closed = False
        self._receiving = group.create_task(self._receive())
        try:
            self.moved(record)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Close the feed, the inlet and the pointer. Waiting requests get DeskClosedError."""
        self._is_closed = True
        self._receiving.cancel()
        self._feed.close()
        self.pointer.close()
        self._inlet.move("")
        self._wake()

    def require_open(self) -> None:
        """Raise DeskClosedError if the desk is closed."""
        if self._is_closed:
            raise DeskClosedError(f"desk {self.record.desk} was closed after an error")

    def moved(self, record: bus.DeskRecord) -> None:
        """Take over a new record of the desk."""
        if record.alive or self.record.inlet != record.inlet:
            # Connect now, because a grab that is sent while the socket connects finds nobody.
            self._inlet.move(record.inlet if record.alive else "")
        self.record = record
        if record.alive:
            self.pointer.moved(record.outlet)
        self._wake()

    async def _receive(self) -> None:
        try:
            await self._feed.run(self._received)
        except Exception as error:  # noqa: BLE001 - ends the desk it is about, not the process
            self._failed(self, error)

    def _received(self, frame: frames.Frame) -> None:
        now_s = clock.now_s()
        # On a network the bus clock is right to about a millisecond. That is not enough to say
        # whether this picture is newer than a request. So the time of arrival counts there.
        same_clock = (
            self.record.host == self._worker.host and not self._worker.settings.bus_directory
        )
        self._newest = frame
        self._fresh_at_s = frame.current_us / 1e6 if same_clock else now_s
        self._grabs.answered(self._fresh_at_s)
        self.history.note(frame, now_s)
        self._wake()

    async def shot(self, arrived_at_s: float) -> Shot | None:
        """Return the frame for a request that arrived at `arrived_at_s`, None without any picture.

        The frame is stale if the desk has gone or does not answer. Raises DeskClosedError.
        """
        self.require_open()
        if self.record.state == "live":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._times.timeout_s):
                    frame = await self._fresh(self._grabs.oldest_s(arrived_at_s))
                    age_us = self._worker.now_us() - frame.current_us
                    metrics.age_seconds.observe(max(0, age_us) / 1e6)
                    return Shot(frame, stale=False)
        if self._newest is not None:
            # The ring outlives its writer for as long as somebody is attached to it. So the pixels
            # of the newest frame may be there, although nobody read them while the desk was there.
            with contextlib.suppress(FrameLostError):
                await self.picture(self._newest)
        if self._kept is None:
            return None
        metrics.stale.inc()
        return Shot(self._kept[0], stale=True)

    @property
    def newest(self) -> frames.Frame | None:
        """Return the frame that arrived last, None if it is lost or none has come."""
        return self._newest

    async def next_change(self, seen: frames.Frame, until_s: float) -> None:
        """Wait until a frame comes that is not `seen`, until the desk goes, or until `until_s`.

        While it waits, an idle desk costs one message to its capture every `next_retry_s`.
        Raises DeskClosedError.
        """
        retry_s = self._times.next_retry_s
        while self._newest is not None and _same_pixels(self._newest, seen):
            now_s = clock.now_s()
            if now_s >= until_s or self.record.state != "live":
                return
            if (
                self._awaited is None
                or not _same_pixels(self._awaited[0], seen)
                or now_s - self._awaited[1] >= retry_s
            ):
                self._awaited = (seen, now_s)
                message = bus.GrabNext(self.record.desk, seen.sequence)
                self._inlet.tell(bus.encode(message))
            wait_s = min(until_s, self._awaited[1] + retry_s) - now_s
            arrival = self._arrival
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await arrival.wait()
            self.require_open()

    async def pixels(self, frame: frames.Frame) -> Pixels:
        """Return a copy of the frame's pixels, which belongs to the caller.

        Raises FrameLostError or DeskClosedError.
        """
        async with self._copying:
            return await self._copied(frame)

    async def picture(self, frame: frames.Frame) -> Pixels:
        """Return the frame's pixels, copied once and kept as the last picture. Do not change them.

        Raises FrameLostError or DeskClosedError; the last picture then stays what it was.
        """
        async with self._copying:
            if self._kept is None or not _same_pixels(self._kept[0], frame):
                pixels = await self._copied(frame)
                self._kept = (dataclasses.replace(frame, pixels=None), pixels)
            return self._kept[1]

    async def _copied(self, frame: frames.Frame) -> Pixels:
        self.require_open()
        loop = asyncio.get_running_loop()
        try:
            pixels = await loop.run_in_executor(self._pool, self._copy_pixels, frame)
        except FrameLostError:
            self._on_lost(frame)
            raise
        self._unreadable = 0
        return pixels

    def forget_picture(self) -> None:
        """Give up the last picture, because other desks were asked for since."""
        self._kept = None

    async def _fresh(self, oldest_s: float) -> frames.Frame:
        while (frame := self._newest) is None or self._fresh_at_s < oldest_s:
            if self.record.state != "live":
                raise TimeoutError  # The desk has gone, which is as if it did not answer.
            now_s = clock.now_s()
            if self._grabs.due(now_s):
                self._grabs.asked(now_s)
                metrics.grabs.inc()
                self._inlet.tell(bus.encode(bus.Grab(self.record.desk)))
            arrival = self._arrival
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._times.retry_s):
                    await arrival.wait()
            self.require_open()
        return frame

    def _copy_pixels(self, frame: frames.Frame) -> Pixels:
        """Return a copy of the pixels. Runs in the pool. Raises FrameLostError."""
        view = from_buffer(self._view(frame), frame.width, frame.height, frame.stride)
        copied = view.copy()
        self._feed.check(frame)
        return copied

    def _view(self, frame: frames.Frame) -> memoryview:
        try:
            return self._feed.pixels(frame)
        except FrameLostError:
            self._unreadable += 1
            raise

    def _wake(self) -> None:
        self._arrival.set()
        self._arrival = asyncio.Event()

    def _on_lost(self, frame: frames.Frame) -> None:
        metrics.lost.inc()
        if self._newest is frame:
            self._newest = None
        if self._unreadable >= UNREADABLE_LIMIT and self.record.state == "live":
            self._unreadable = 0
            self._feed.fall_back_to_pixels()


def _same_pixels(one: frames.Frame, other: frames.Frame) -> bool:
    return (one.instance, one.sequence) == (other.instance, other.sequence)
