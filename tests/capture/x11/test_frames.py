"""Pictures of a real X server: what is grabbed is what was drawn."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import xcffib
import xcffib.randr
import xcffib.xproto

from fanlight_capture import metrics
from fanlight_capture.x11.connection import X11Connection, XRequestError, connect
from fanlight_capture.x11.grab import X11Grabber
from fanlight_capture.x11.source import open_x11
from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.errors import SourceLostError
from fanlight_common.core.geometry import Rect
from fanlight_common.process import clock
from fanlight_common.protocol import bus, frames, topics
from fanlight_common.protocol.topics import Lane
from tests.capture.conftest import TIMEOUT_S, Capture, Frames, StartCapture, XServer, counter, until

pytestmark = pytest.mark.x11

RED, BLUE = 0xE01030, 0x1040E0


class Painter:
    """Draws rectangles on the root window."""

    def __init__(self, server: XServer) -> None:
        self.raw: Any = xcffib.connect(display=server.display)
        self.root = self.raw.get_setup().roots[0].root
        self.gc = self.raw.generate_id()
        mode = xcffib.xproto.SubwindowMode.IncludeInferiors
        self.raw.core.CreateGC(self.gc, self.root, xcffib.xproto.GC.SubwindowMode, [mode])

    def fill(self, colour: int, r: Rect) -> None:
        self.raw.core.ChangeGC(self.gc, xcffib.xproto.GC.Foreground, [colour])
        shape = xcffib.xproto.RECTANGLE.synthetic(r.x, r.y, r.width, r.height)
        self.raw.core.PolyFillRectangle(self.root, self.gc, 1, [shape])
        self.raw.core.GetInputFocus().reply()

    def resize(self, width: int, height: int) -> None:
        randr = self.raw(xcffib.randr.key)
        randr.QueryVersion(1, 3).reply()
        # A screen cannot become smaller than what a monitor shows of it; switch the monitor off.
        resources = randr.GetScreenResources(self.root).reply()
        for crtc in resources.crtcs:
            randr.SetCrtcConfig(crtc, 0, resources.config_timestamp, 0, 0, 0, 1, 0, []).reply()
        randr.SetScreenSize(self.root, width, height, 100, 100, is_checked=True).check()
        self.raw.core.GetInputFocus().reply()

    def close(self) -> None:
        self.raw.disconnect()


@pytest.fixture
def painter(xserver: XServer) -> Iterator[Painter]:
    made = Painter(xserver)
    yield made
    made.close()


def pixel(data: bytes, frame: frames.Frame, x: int, y: int) -> int:
    at = y * frame.stride + 4 * x
    return int.from_bytes(data[at : at + 3], "little")


async def frame_with(feed: Frames, colour: int, x: int, y: int) -> tuple[frames.Frame, bytes]:
    while True:
        frame = await feed.next()
        data = feed.pixels(frame)
        if pixel(data, frame, x, y) == colour:
            return frame, data


async def quiet(capture: Capture, feed: Frames) -> frames.Frame:
    """The newest frame of a desk on which nothing happens."""
    frame = await feed.next()
    while not await feed.none_within(0.1):
        frame = await feed.next()
    return frame


async def test_pixels_and_damage_are_those_drawn(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    painter.fill(BLUE, Rect(0, 0, 800, 600))
    capture = await start_capture(display=xserver.display)
    feed = capture.frames()
    pixels = capture.frames(Lane.PIXELS)
    first = await quiet(capture, feed)
    assert {feed.pixels(first)[i : i + 3] for i in (0, 4 * 799, 4 * 800 * 600 - 4)} == {
        BLUE.to_bytes(3, "little")
    }
    drawn = (Rect(10, 20, 30, 40), Rect(400, 300, 5, 5))
    for rect in drawn:
        painter.fill(RED, rect)
    frame, data = await frame_with(feed, RED, 402, 302)
    for x, y, colour in (
        (10, 20, RED),
        (39, 59, RED),
        (40, 59, BLUE),
        (9, 20, BLUE),
        (404, 304, RED),
        (405, 304, BLUE),
    ):
        assert pixel(data, frame, x, y) == colour
    assert set(frames.damage_since(frame, first.sequence) or ()) == set(drawn)
    other, same = await frame_with(pixels, RED, 402, 302)
    assert (other.sequence, same) == (frame.sequence, data)


async def test_without_demand_a_busy_desk_wakes_nobody(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display)
    await capture.live()
    events = capture.events()
    await until(lambda: events.positions)
    grabs, notices = counter(metrics.grabs), counter(metrics.damage_notices)
    for i in range(200):
        painter.fill(RED + i, Rect(i, i, 50, 50))
    # The pointer that was moved is told after all that was drawn.
    xserver.run("xdotool", "mousemove", "17", "23")
    told = len(events.positions)
    await until(lambda: len(events.positions) > told or events.positions[-1].x < 2000)
    assert counter(metrics.grabs) == grabs
    assert counter(metrics.damage_notices) - notices <= 1
    # All of it is in the first picture that somebody wants.
    feed = capture.frames()
    frame, _ = await frame_with(feed, RED + 199, 220, 220)
    assert frame.sequence == 1


async def test_a_desk_at_rest_is_not_grabbed_again(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display)
    feed = capture.frames()
    first = await quiet(capture, feed)
    grabs = counter(metrics.grabs)
    newcomer = capture.frames()
    asked_us = clock.now_us()
    await capture.tell(bus.Grab("main"))
    again = await newcomer.next()
    assert again.sequence == first.sequence
    assert again.current_us > first.current_us
    screenshots = capture.frames(topic_of=topics.still)
    assert (await screenshots.next()).sequence == first.sequence
    assert counter(metrics.grabs) == grabs
    painter.fill(RED, Rect(5, 5, 5, 5))
    frame, _ = await frame_with(screenshots, RED, 7, 7)
    assert frame.sequence == first.sequence + 1
    assert frame.captured_us > asked_us


async def test_a_screenshot_of_an_unwatched_desk_is_as_it_is_now(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display)
    screenshots = capture.frames(topic_of=topics.still)
    await screenshots.next()
    for i in range(5):
        painter.fill(RED + i, Rect(0, 0, 9, 9))
        await capture.tell(bus.Grab("main"))
        # Drawn before it was asked for, so the very next screenshot shows it.
        frame = await screenshots.next()
        assert pixel(screenshots.pixels(frame), frame, 3, 3) == RED + i


async def test_many_small_changes_are_paced_and_none_is_lost(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display, max_fps=30)
    feed = capture.frames()
    last = await quiet(capture, feed)
    kept = bytearray(feed.pixels(last))
    began = clock.now_s()
    for i in range(300):
        painter.fill(i * 77 + 1, Rect(i * 13 % 700, i * 7 % 500, 20, 20))
    final = 300 * 77
    painter.fill(final, Rect(790, 590, 5, 5))
    while pixel(kept, last, 792, 592) != final:
        frame = await feed.next()
        data = feed.pixels(frame)
        changed = frames.damage_since(frame, last.sequence)
        assert changed is not None
        for rect in changed:
            for y in range(rect.y, rect.y + rect.height):
                row = slice(y * 3200 + 4 * rect.x, y * 3200 + 4 * (rect.x + rect.width))
                kept[row] = data[row]
        assert kept == data
        last = frame
    assert last.sequence <= (clock.now_s() - began) * 30 + 4


async def test_resize_in_mid_stream(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display)
    feed = capture.frames()
    first = await quiet(capture, feed)
    for width, height in ((640, 480), (501, 333), (800, 600)):
        painter.resize(width, height)
        painter.fill(RED, Rect(0, 0, width, height))
        while True:
            frame = await feed.next()
            fits = (frame.width, frame.height) == (width, height)
            if fits and pixel(feed.pixels(frame), frame, width - 1, height - 1) == RED:
                break
        assert frame.instance == first.instance
        assert frame.sequence > first.sequence
        assert frames.damage_since(frame, first.sequence) is None
        assert capture.offer == bus.DeskOffer("main", width, height)
        first = frame


async def test_xrandr_resizes_too(xserver: XServer, start_capture: StartCapture) -> None:
    capture = await start_capture(display=xserver.display)
    await capture.live()
    xserver.run("xrandr", "--fb", "720x400", check=False)
    await until(lambda: capture.offer == bus.DeskOffer("main", 720, 400))


async def test_a_display_that_dies_comes_back(
    xserver: XServer, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display)
    feed, events = capture.frames(), capture.events()
    first = await feed.next()
    await until(lambda: events.positions)
    assert capture.worker.healthy()[1]["display"] == "live"
    losses = counter(metrics.display_losses)
    xserver.kill()
    await until(lambda: capture.offer == bus.DeskOffer("main", 0, 0))
    healthy, details = capture.worker.healthy()
    assert healthy
    assert details["display"] == "away"
    assert counter(metrics.display_losses) == losses + 1
    told = len(events.shapes)
    xserver.start()
    # The subscriptions still stand: pictures and events come by themselves.
    while (frame := await feed.next()).instance == first.instance:
        pass
    assert feed.pixels(frame)
    assert capture.offer.width == 800
    await until(lambda: len(events.shapes) > told)


async def test_a_display_that_hangs_counts_as_gone(
    xserver: XServer, start_capture: StartCapture
) -> None:
    capture = await start_capture(
        display=xserver.display,
        opener=lambda listener, settings: open_x11(listener, settings.display, 0.5),
    )
    events = capture.events()
    await until(lambda: events.positions)
    assert xserver.process is not None
    os.kill(xserver.process.pid, signal.SIGSTOP)
    try:
        await until(lambda: capture.offer.width == 0)
    finally:
        os.kill(xserver.process.pid, signal.SIGCONT)
    await capture.live()


async def test_no_display_at_start(xserver: XServer, start_capture: StartCapture) -> None:
    xserver.kill()
    capture = await start_capture(display=xserver.display)
    feed = capture.frames()
    await until(lambda: capture.worker.healthy()[1]["display"] == "away")
    assert capture.offer == bus.DeskOffer("main", 0, 0)
    xserver.start()
    assert (await feed.next()).width == 800


async def test_without_shared_memory_the_picture_is_the_same(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    painter.fill(BLUE, Rect(0, 0, 800, 600))
    capture = await start_capture(display=xserver.display)
    await capture.live()
    capture.service._source._x.has_shm = False  # type: ignore[union-attr]  # an X11Source
    feed = capture.frames()
    await feed.next()
    painter.fill(RED, Rect(7, 8, 9, 10))
    frame, data = await frame_with(feed, RED, 15, 17)
    assert pixel(data, frame, 16, 17) == BLUE
    assert frames.damage_since(frame, frame.sequence - 1) == (Rect(7, 8, 9, 10),)


@pytest.mark.parametrize(
    "within",
    [
        pytest.param(
            ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else"),
            id="of another user",
        ),
        pytest.param(
            ("unshare", "--ipc") if os.geteuid() == 0 else ("unshare", "--map-user=1", "--ipc"),
            id="in another namespace",
        ),
    ],
)
async def test_a_server_that_cannot_attach_sends_its_pictures(
    within: tuple[str, ...], start_capture: StartCapture, caplog: pytest.LogCaptureFixture
) -> None:
    """A sidecar that does not share the uid, or the memory, of the X server."""
    xserver = XServer(within=within)
    painter = Painter(xserver)
    try:
        painter.fill(BLUE, Rect(0, 0, 800, 600))
        capture = await start_capture(display=xserver.display)
        feed = capture.frames()
        frame, data = await frame_with(feed, BLUE, 15, 17)
        assert pixel(data, frame, 799, 599) == BLUE
        assert "event=no_shm" in caplog.text
        painter.fill(RED, Rect(7, 8, 9, 10))
        await frame_with(feed, RED, 15, 17)
    finally:
        painter.close()
        xserver.close()


@pytest.mark.parametrize("colour", [0, 0xFFFFFF, BLUE])
async def test_another_segment_of_the_same_number_is_noticed(
    colour: int, xserver: XServer, painter: Painter
) -> None:
    """What an X server in another IPC namespace may attach: here another ring of this process."""
    painter.fill(colour, Rect(0, 0, 800, 600))
    connection = await connect(xserver.display)
    connection.start(lambda _: None, TIMEOUT_S)
    try:
        grabber = X11Grabber(connection, lambda: None)
        ring, others = FrameRing(800 * 600 * 4), FrameRing(800 * 600 * 4)
        assert await grabber.use_ring(ring, 800, 600)
        ring.segment = others.segment
        assert not await grabber.use_ring(ring, 800, 600)
        slot = ring.begin()
        await grabber.grab(slot)
        assert bytes(ring.pixels(slot)[:3]) == colour.to_bytes(3, "little")
    finally:
        connection.close()


async def test_what_a_look_found_is_in_the_next_grab(xserver: XServer, painter: Painter) -> None:
    connection = await connect(xserver.display)
    connection.start(lambda _: None, TIMEOUT_S)
    try:
        grabber = X11Grabber(connection, lambda: None)
        ring = FrameRing(800 * 600 * 4, slots=2)
        assert await grabber.use_ring(ring, 800, 600)
        for _ in range(ring.slots):
            await grabber.grab(ring.begin())
        painter.fill(RED, Rect(10, 20, 30, 40))
        assert await grabber.look()
        painter.fill(BLUE, Rect(50, 500, 5, 5))
        rows = counter(metrics.grabbed_rows)
        slot = ring.begin()
        assert await grabber.grab(slot) == (Rect(10, 20, 30, 40), Rect(50, 500, 5, 5))
        assert counter(metrics.grabbed_rows) == rows + 45
        for x, y, colour in ((39, 59, RED), (54, 504, BLUE)):
            at = 4 * (800 * y + x)
            assert bytes(ring.pixels(slot)[at : at + 3]) == colour.to_bytes(3, "little")
        assert not await grabber.look()
    finally:
        connection.close()


async def test_a_grab_that_failed_leaves_nothing_half_known(
    xserver: XServer, painter: Painter
) -> None:
    connection = await connect(xserver.display)
    connection.start(lambda _: None, TIMEOUT_S)
    try:
        grabber = X11Grabber(connection, lambda: None)
        ring = FrameRing(800 * 600 * 4, slots=2)
        assert await grabber.use_ring(ring, 800, 600)
        for _ in range(ring.slots):
            await grabber.grab(ring.begin())
        painter.resize(400, 300)
        with pytest.raises(XRequestError):
            await grabber.grab(ring.begin())
        painter.resize(800, 600)
        painter.fill(BLUE, Rect(0, 100, 800, 10))
        slot = ring.begin()
        rows = counter(metrics.grabbed_rows)
        await grabber.grab(slot)
        assert counter(metrics.grabbed_rows) == rows + 600
        at = 4 * 800 * 109
        assert bytes(ring.pixels(slot)[at : at + 3]) == BLUE.to_bytes(3, "little")
    finally:
        connection.close()


_KILLED_CAPTURE = """
import asyncio, sys
from fanlight_capture.x11.connection import connect
from fanlight_capture.x11.grab import X11Grabber
from fanlight_common.bus.ring import FrameRing

async def main():
    connection = await connect(sys.argv[1])
    connection.start(lambda _: None, 10)
    grabber = X11Grabber(connection, lambda: None)
    ring = FrameRing(800 * 601 * 4)
    assert await grabber.use_ring(ring, 800, 600)
    print(ring.segment, flush=True)
    while True:
        await grabber.grab(ring.begin())

asyncio.run(main())
"""


def _attached(segment: int) -> int | None:
    """How many have it attached; None: there is no such segment."""
    with open("/proc/sysvipc/shm") as file:
        for line in file:
            row = line.split()
            if row[1] == str(segment):
                return int(row[6])
    return None


@pytest.mark.parametrize("first", ["capture", "server"])
async def test_capture_and_x_server_killed_leave_no_segment_behind(
    first: str, xserver: XServer
) -> None:
    capture = xserver.spawn(
        sys.executable, "-c", _KILLED_CAPTURE, xserver.display, stdout=subprocess.PIPE
    )
    assert capture.stdout is not None
    segment = int(capture.stdout.readline())
    assert _attached(segment) == 2
    if first == "capture":
        capture.kill()
        capture.wait()
        # The server notices that its client has gone, and lets go of the client's segment.
        await until(lambda: _attached(segment) is None, "segment gone")
        assert xserver.run("xdpyinfo")
    else:
        xserver.kill()
        await until(lambda: _attached(segment) in (1, None), "the server's attachment gone")
        capture.kill()
        capture.wait()
        await until(lambda: _attached(segment) is None, "segment gone")


async def test_resizes_while_it_is_drawn_on(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    """Grabs race with resizes: whatever comes out fits its own size."""
    capture = await start_capture(display=xserver.display, max_fps=200)
    feed = capture.frames()
    first = await feed.next()
    for i in range(60):
        width, height = 300 + i * 37 % 400, 200 + i * 53 % 300
        painter.resize(width, height)
        painter.fill(RED + i, Rect(0, 0, width, height))
        if i % 7 == 0:
            frame = await feed.next()
            assert frame.instance == first.instance
    painter.fill(BLUE, Rect(0, 0, width, height))
    while True:
        frame, _ = await frame_with(feed, BLUE, 0, 0)
        if (frame.width, frame.height) == (width, height):
            break
    assert set(capture.frames().pixels(frame)[::4]) == {BLUE & 0xFF}


async def test_rows_that_change_again_and_again_take_one_round_trip(
    xserver: XServer, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = 0
    end_batch = X11Connection.end_batch

    def count(connection: X11Connection, error: BaseException | None) -> bool:
        nonlocal trips
        trips += 1
        return end_batch(connection, error)

    def lost(error: SourceLostError) -> None:
        raise error

    painter.fill(BLUE, Rect(0, 0, 800, 600))
    connection = await connect(xserver.display)
    connection.start(lost, TIMEOUT_S)
    grabber = X11Grabber(connection, lambda: None)
    ring = FrameRing(4 * 800 * 601)
    assert await grabber.use_ring(ring, 800, 600)
    monkeypatch.setattr(X11Connection, "end_batch", count)
    took = []
    line = [*((x, 100) for x in range(0, 200, 10)), (0, 400), *((x, 100) for x in (200, 210, 220))]
    for number, (x, y) in enumerate(line):
        painter.fill(RED, Rect(x, y, 8, 12))
        slot = ring.begin()
        before = trips
        rects = await grabber.grab(slot)
        took.append(trips - before)
        ring.publish(slot)
        if number:
            assert rects == (Rect(x, y, 8, 12),)
        at = 4 * (800 * (y + 11) + x + 7)
        assert bytes(ring.pixels(slot)[at : at + 3]) == RED.to_bytes(3, "little")
        assert bytes(ring.pixels(slot)[at + 4 : at + 7]) == BLUE.to_bytes(3, "little")
    # The first is all of the desk; elsewhere is a surprise, and twice in a line makes a habit.
    assert took == [2, 2, *[1] * 18, 2, 2, 2, 1]
    connection.close()
