"""One desk's frames: grabs when somebody wants a frame and something has changed, and publishes.

Lives on the worker's loop. Owns the ring, the damage history and the number of the newest frame.
`core.grab_schedule` decides when to grab, and `core.demand` knows who wants frames. Drops nothing
that was grabbed: the subscribers' sockets conflate.

A frame is published under frame topics (for encoders) and screenshot topics (for the screenshot
service), each in two lanes: in shared memory, and with its pixels in the message.
"""

import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace

from fanlight_capture import metrics
from fanlight_capture.core.damage import DamageHistory, tidy
from fanlight_capture.core.demand import Demand
from fanlight_capture.core.grab_schedule import Action, GrabSchedule
from fanlight_capture.source import GrabFailedError, Source
from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.errors import SourceLostError
from fanlight_common.process import clock
from fanlight_common.process.wakeup import Wakeup
from fanlight_common.protocol import frames, topics
from fanlight_common.protocol.topics import Lane

log = logging.getLogger(__name__)

MAX_FAILED_GRABS = 30
"""A resize makes some grabs fail. If more grabs in a row fail, the display counts as lost."""
SCREENSHOT_LINGER_S = 5.0
"""For so many seconds after a request for a screenshot, every frame is published under screenshot
topics, too. A client that waits for the next screenshot asks again within this time. Later frames
have to be asked for one by one, because the screenshot service would otherwise work 60 times a
second for nobody while encoders want frames (3 % of a core)."""


class FrameLoop:
    """The frames of one source, for as long as it lives. `publish` sends one message."""

    def __init__(
        self,
        desk: str,
        source: Source,
        demand: Demand,
        publish: Callable[[bytes], None],
        interval_s: float,
        now_us: Callable[[], int] = clock.now_us,
        inputs: Callable[[], int] = lambda: 0,
    ) -> None:
        """`now_us` and `inputs` give a frame's stamps and its number of injected inputs.

        In the long run there is at most one grab in `interval_s` seconds.
        """
        self._frame_topics = {topics.frame(desk, lane): lane for lane in Lane}
        self._screenshot_topics = {topics.screenshot(desk, lane): lane for lane in Lane}
        self._lanes = self._frame_topics | self._screenshot_topics
        self._source = source
        self._demand = demand
        self._publish = publish
        self._now_us = now_us
        self._inputs = inputs
        self._schedule = GrabSchedule(interval_s)
        self._wake = Wakeup()
        self._history = DamageHistory()
        # Frame numbers of two instances do not compare. So a consumer that has a frame of another
        # instance takes the whole frame, whatever its damage says.
        self._instance = secrets.randbits(63) | 1
        self._ring: FrameRing | None = None
        self._resized = True
        self._newest: frames.Frame | None = None
        self._wanted: set[bytes] = set()
        self._sequence = 0
        self._size = (0, 0)
        self._failed = 0
        self._screenshots_until = 0.0
        self.demand_changed()

    def demand_changed(self) -> None:
        """Look at `demand` again, because subscriptions have changed."""
        self._schedule.streaming = any(self._demand.wants(topic) for topic in self._frame_topics)
        self._wake.set()

    def want(self, wanted: Iterable[bytes]) -> None:
        """Publish the present picture once under these topics; topics of no frames are ignored."""
        self._wanted.update(topic for topic in wanted if topic in self._lanes)
        self._schedule.wanted = bool(self._wanted)
        self._wake.set()

    def want_screenshot(self) -> None:
        """Publish the present picture under the screenshot topics that somebody subscribed to."""
        self._screenshots_until = clock.now_s() + SCREENSHOT_LINGER_S
        self.want(topic for topic in self._screenshot_topics if self._demand.wants(topic))

    def want_next(self, sequence: int) -> None:
        """Publish the first picture that differs from frame `sequence` under screenshot topics."""
        if sequence != self._sequence:
            self.want_screenshot()
            return
        self._screenshots_until = clock.now_s() + SCREENSHOT_LINGER_S
        self._schedule.awaited = True
        self._wake.set()

    def damaged(self) -> None:
        """Note that the picture of the desk has changed."""
        self._schedule.damaged = True
        self._wake.set()

    def resized(self) -> None:
        """Note that the desk has another size. The next grab goes into a new ring."""
        self._resized = True
        self.damaged()

    async def run(self) -> None:
        """Grab and publish until cancelled. Raises SourceLostError."""
        while True:
            self._wake.clear()
            step = self._schedule.next(clock.now_s())
            match step.action:
                case Action.GRAB:
                    await self._grab()
                case Action.LOOK:
                    await self._look()
                case Action.ECHO:
                    # This includes screenshot topics, so that the screenshot service has the
                    # newest picture when the desk goes away, even if nobody asked for it.
                    self.want(t for t in self._lanes if self._demand.wants(t))
                case Action.WAIT:
                    await self._wake.wait(step.seconds)

    async def _look(self) -> None:
        current_us, inputs = self._now_us(), self._inputs()
        wanted = self._take_wanted()
        if await self._source.look():
            self._schedule.damaged = True
            self.want(wanted)
        elif not self._schedule.damaged:
            self._republish(wanted, current_us, inputs)
        else:
            # The desk has changed meanwhile, perhaps after the source looked. The next step grabs.
            self.want(wanted)

    async def _grab(self) -> None:
        wanted = self._take_wanted()
        self._schedule.grab_begins(clock.now_s())
        if self._resized:
            await self._make_ring()
        assert self._ring is not None
        width, height = self._size
        slot = self._ring.begin()
        captured_us, began_at = self._now_us(), clock.now_s()
        inputs = self._inputs()
        try:
            rects = await self._source.grab(slot)
        except GrabFailedError as error:
            self._ring.give_back(slot)
            self._failed += 1
            if self._failed > MAX_FAILED_GRABS:
                raise SourceLostError(f"{self._failed} grabs in a row failed: {error}") from None
            self._schedule.damaged = True
            self.want(wanted)
            return
        self._failed = 0
        metrics.grabs.inc()
        metrics.grab_seconds.observe(clock.now_s() - began_at)
        if self._resized:
            # The size has changed during the grab, so the picture is of the old size or of both.
            self.want(wanted)
            return
        rects = tidy(rects, width, height)
        newest = self._newest
        if newest is not None and not rects:
            # All damage was outside the desk, so the newest frame still shows it as it is.
            self._ring.give_back(slot)
            self._republish(wanted, captured_us, inputs)
            return
        if newest is not None:
            self._history.add(rects)
        self._newest = frames.Frame(
            width=width,
            height=height,
            stride=4 * width,
            instance=self._instance,
            sequence=self._sequence + 1,
            captured_us=captured_us,
            current_us=captured_us,
            damage=self._history.entries,
            slot=self._ring.publish(slot),
            pixels=None,
            inputs=inputs,
        )
        self._sequence += 1
        asked = self._schedule.awaited or began_at < self._screenshots_until
        everywhere = self._lanes if asked else self._frame_topics
        self._schedule.awaited = False
        self._send(self._newest, {t for t in everywhere if self._demand.wants(t)} | wanted)

    async def _make_ring(self) -> None:
        self._resized = False
        self._size = (self._source.width, self._source.height)
        width, height = self._size
        # An encoder reads one row beyond an odd height, and its vector instructions read up to 64
        # bytes beyond that.
        self._ring = FrameRing(4 * width * (height + 1) + 64)
        self._newest = None
        self._history.reset()
        await self._source.use_ring(self._ring)

    def _take_wanted(self) -> set[bytes]:
        wanted, self._wanted = self._wanted, set()
        self._schedule.wanted = False
        return wanted

    def _republish(self, wanted: set[bytes], current_us: int, inputs: int) -> None:
        if self._newest is not None:
            self._newest = replace(self._newest, current_us=current_us, inputs=inputs)
            self._send(self._newest, wanted)

    def _send(self, frame: frames.Frame, wanted: Iterable[bytes]) -> None:
        for topic in wanted:
            lane = self._lanes[topic]
            kind = "frame" if topic in self._frame_topics else "screenshot"
            message = frame if lane is Lane.SHM else self._with_pixels(frame)
            self._publish(frames.encode(topic, message))
            metrics.frames.labels(kind, lane).inc()

    def _with_pixels(self, frame: frames.Frame) -> frames.Frame:
        assert self._ring is not None
        assert frame.slot is not None
        pixels = self._ring.pixels(frame.slot.slot)[: frame.size_bytes]
        return replace(frame, slot=None, pixels=pixels)
