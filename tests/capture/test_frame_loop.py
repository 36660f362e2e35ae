"""The grabbing loop over a source that does what it is told, without a display."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fanlight_capture.core.demand import Demand
from fanlight_capture.frame_loop import MAX_FAILED_GRABS, SCREENSHOT_LINGER_S, FrameLoop
from fanlight_capture.pattern.source import InputRecorder
from fanlight_capture.source import GrabFailedError
from fanlight_common.bus.ring import SLOTS, FrameRing, RingReader
from fanlight_common.core.errors import SourceLostError
from fanlight_common.core.geometry import Rect
from fanlight_common.process import clock
from fanlight_common.protocol import frames, topics
from fanlight_common.protocol.topics import Lane
from tests.capture.conftest import until

FRAME = topics.frame("main", Lane.SHM)
SCREENSHOT = topics.screenshot("main", Lane.SHM)
WHOLE = (Rect(0, 0, 16, 16),)


class Puppet:
    """A source whose answers are set by the test, and may be held back."""

    width, height = 16, 16

    def __init__(self) -> None:
        self.sink = InputRecorder(lambda: None)
        self.changed = False
        self.rects = WHOLE
        self.fails = 0
        self.may_look = asyncio.Event()
        self.may_grab = asyncio.Event()
        self.may_look.set()
        self.may_grab.set()
        self.looking = 0
        self.grabbing = 0

    async def use_ring(self, ring: FrameRing) -> None:
        self.ring = ring

    async def look(self) -> bool:
        self.looking += 1
        await self.may_look.wait()
        return self.changed

    async def grab(self, slot: int) -> tuple[Rect, ...]:
        self.grabbing += 1
        await self.may_grab.wait()
        if self.fails:
            self.fails -= 1
            raise GrabFailedError("smaller now")
        return self.rects

    def watch(self, on: bool) -> None: ...

    def set_clipboard(self, text: str) -> None: ...

    async def close(self) -> None: ...


class Bench:
    """A frame loop, what it publishes, and its demand."""

    def __init__(self) -> None:
        self.source = Puppet()
        self.demand = Demand([FRAME, SCREENSHOT])
        self.published: list[tuple[bytes, frames.Frame]] = []
        self.inputs = 0
        self.loop = FrameLoop(
            "main",
            self.source,
            self.demand,
            self._publish,
            0.0001,
            inputs=lambda: self.inputs,
        )
        self.task = asyncio.ensure_future(self.loop.run())

    def _publish(self, message: bytes) -> None:
        topic = FRAME if message.startswith(FRAME) else SCREENSHOT
        self.published.append((topic, frames.decode(message, topic)))

    def subscribe(self, topic: bytes) -> None:
        new = self.demand.update(b"\x01" + topic)
        self.loop.demand_changed()
        self.loop.want(new)

    async def count(self, number: int) -> list[int]:
        """Wait until so many frames were published. Returns their sequence numbers."""
        await until(lambda: len(self.published) >= number)
        return [frame.sequence for _, frame in self.published]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    yield made
    made.task.cancel()
    await asyncio.wait({made.task})


async def test_damage_outside_the_desk_is_no_new_picture(bench: Bench) -> None:
    bench.subscribe(FRAME)
    assert await bench.count(1) == [1]
    bench.source.rects = (Rect(50, 50, 5, 5),)
    bench.loop.damaged()
    await until(lambda: bench.source.grabbing == 2)
    bench.subscribe(FRAME)
    assert await bench.count(2) == [1, 1]


async def test_screenshots_are_for_whoever_asks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kinds(topic: bytes) -> int:
        return sum(published == topic for published, _ in bench.published)

    bench.subscribe(FRAME)
    bench.subscribe(SCREENSHOT)
    await until(lambda: kinds(SCREENSHOT) == 1)
    for number in range(2, 10):  # somebody wants frames, and nobody asks for screenshots
        bench.loop.damaged()
        await until(lambda number=number: bench.source.grabbing == number)
    await until(lambda: kinds(FRAME) == 9)
    assert kinds(SCREENSHOT) == 1
    # After the last change the echo publishes a screenshot.
    await until(lambda: kinds(SCREENSHOT) == 2)
    assert bench.published[-1][1].sequence == 9
    bench.loop.want_screenshot()  # for some time each frame is published as a screenshot, too
    await until(lambda: kinds(SCREENSHOT) == 3)
    for number in (10, 11):
        bench.loop.damaged()
        await until(lambda number=number: kinds(SCREENSHOT) == number - 6)
    now = clock.now_s()
    monkeypatch.setattr(clock, "now_s", lambda: now + SCREENSHOT_LINGER_S + 1)
    before = kinds(FRAME)
    bench.loop.damaged()
    await until(lambda: kinds(FRAME) == before + 1)
    assert kinds(SCREENSHOT) == 5


async def test_pictures_that_come_to_nothing_do_not_use_up_the_slots(bench: Bench) -> None:
    bench.subscribe(FRAME)
    await bench.count(1)
    newest = bench.published[0][1]
    bench.source.rects = (Rect(50, 50, 5, 5),)
    for number in range(2, 2 * SLOTS):
        bench.loop.damaged()
        await until(lambda number=number: bench.source.grabbing == number)
    with RingReader() as reader:
        assert newest.slot is not None
        reader.view(newest.slot, newest.size_bytes)
    bench.source.rects = WHOLE
    bench.source.fails = 2 * SLOTS
    bench.loop.damaged()
    await until(lambda: bench.source.fails == 0)
    with RingReader() as reader:
        reader.view(newest.slot, newest.size_bytes)
    assert await bench.count(2) == [1, 2]


async def test_a_look_that_finds_a_change_is_followed_by_a_grab(bench: Bench) -> None:
    bench.subscribe(SCREENSHOT)
    assert await bench.count(1) == [1]
    bench.source.changed = True
    bench.loop.want_screenshot()
    assert await bench.count(2) == [1, 2]
    assert bench.published[1][1].damage == (WHOLE,)


async def test_the_next_picture_comes_with_the_next_change_and_only_that(bench: Bench) -> None:
    bench.subscribe(SCREENSHOT)
    assert await bench.count(1) == [1]
    bench.loop.want_next(1)
    bench.loop.want_next(1)
    await asyncio.sleep(0.01)  # A look or a grab would come at once, and none may come.
    assert (bench.source.looking, bench.source.grabbing) == (0, 1)
    bench.source.rects = (Rect(50, 50, 5, 5),)  # this is outside, so it is no change
    bench.loop.damaged()
    await until(lambda: bench.source.grabbing == 2)
    bench.source.rects = WHOLE
    bench.loop.damaged()
    assert await bench.count(2) == [1, 2]
    bench.loop.damaged()
    await asyncio.sleep(0.01)  # A grab would come at once, and none may come.
    assert bench.source.grabbing == 3
    bench.loop.want_next(2)  # the desk has changed already
    assert await bench.count(3) == [1, 2, 3]


async def test_who_does_not_know_the_newest_picture_gets_it_at_once(bench: Bench) -> None:
    bench.subscribe(SCREENSHOT)
    await bench.count(1)
    bench.loop.want_next(7)
    assert await bench.count(2) == [1, 1]


async def test_a_change_while_looking_is_followed_by_a_grab(bench: Bench) -> None:
    bench.subscribe(SCREENSHOT)
    await bench.count(1)
    bench.source.may_look.clear()
    bench.loop.want_screenshot()
    await until(lambda: bench.source.looking == 1)
    bench.loop.damaged()
    bench.source.may_look.set()
    assert await bench.count(2) == [1, 2]


async def test_who_asks_during_a_grab_is_answered_after_it(bench: Bench) -> None:
    bench.subscribe(SCREENSHOT)
    await bench.count(1)
    bench.source.may_grab.clear()
    bench.loop.damaged()
    bench.loop.want_screenshot()
    await until(lambda: bench.source.grabbing == 2)
    bench.loop.want_screenshot()
    bench.source.may_grab.set()
    assert await bench.count(3) == [1, 2, 2]
    assert bench.published[2][1].current_us > bench.published[1][1].current_us


async def test_a_frame_says_what_was_injected_before_it_was_asked_for(bench: Bench) -> None:
    bench.inputs = 3
    bench.subscribe(SCREENSHOT)
    await bench.count(1)
    bench.source.may_grab.clear()
    bench.loop.damaged()
    bench.loop.want_screenshot()
    await until(lambda: bench.source.grabbing == 2)
    bench.inputs = 4  # this is too late for frame 2
    bench.source.may_grab.set()
    assert await bench.count(2) == [1, 2]
    bench.source.may_look.clear()
    bench.loop.want_screenshot()
    await until(lambda: bench.source.looking == 1)
    bench.inputs = 5  # and for the same picture again, which is known to be current later
    bench.source.may_look.set()
    assert await bench.count(3) == [1, 2, 2]
    assert [frame.inputs for _, frame in bench.published[:3]] == [3, 3, 4]


async def test_failed_grabs_are_repeated_and_nobody_forgotten(bench: Bench) -> None:
    bench.source.fails = 3
    bench.subscribe(SCREENSHOT)
    assert await bench.count(1) == [1]
    assert bench.source.grabbing == 4


async def test_a_source_that_only_fails_is_lost(bench: Bench) -> None:
    bench.source.fails = MAX_FAILED_GRABS + 1
    bench.subscribe(FRAME)
    with pytest.raises(SourceLostError):
        await bench.task


async def test_a_resize_during_a_grab_drops_that_picture(bench: Bench) -> None:
    bench.subscribe(SCREENSHOT)
    await bench.count(1)
    bench.source.may_grab.clear()
    bench.loop.damaged()
    bench.loop.want_screenshot()
    await until(lambda: bench.source.grabbing == 2)
    bench.source.width = 24
    bench.loop.resized()
    bench.source.may_grab.set()
    await bench.count(2)
    frame = bench.published[1][1]
    assert (frame.width, frame.stride, frame.sequence, frame.damage) == (24, 96, 2, ())


async def test_topics_that_are_no_frames_are_nothing_to_it(bench: Bench) -> None:
    bench.loop.want([topics.events("main")])
    bench.subscribe(SCREENSHOT)
    assert await bench.count(1) == [1]
