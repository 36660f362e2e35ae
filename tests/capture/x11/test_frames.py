"""Pictures of a real X server: what is grabbed is what was drawn."""

import pytest

from fanlight_capture import metrics
from fanlight_common.core.geometry import Rect
from fanlight_common.process import clock
from fanlight_common.protocol import bus, frames, topics
from fanlight_common.protocol.topics import Lane
from tests.capture.conftest import StartCapture, XServer, until
from tests.capture.x11.painting import BLUE, RED, Painter, frame_with, pixel, quiet
from tests.metrics import count

pytestmark = pytest.mark.x11


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
    grabs, notices = count(metrics.grabs), count(metrics.damage_notices)
    for i in range(200):
        painter.fill(RED + i, Rect(i, i, 50, 50))
    # Capture learns that the pointer has moved after all drawing is done.
    xserver.run("xdotool", "mousemove", "17", "23")
    told = len(events.positions)
    await until(lambda: len(events.positions) > told or events.positions[-1].x < 2000)
    assert count(metrics.grabs) == grabs
    assert count(metrics.damage_notices) - notices <= 1
    # The first picture that somebody wants shows all drawings.
    feed = capture.frames()
    frame, _ = await frame_with(feed, RED + 199, 220, 220)
    assert frame.sequence == 1


async def test_a_desk_at_rest_is_not_grabbed_again(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display)
    feed = capture.frames()
    first = await quiet(capture, feed)
    grabs = count(metrics.grabs)
    newcomer = capture.frames()
    asked_us = clock.now_us()
    await capture.tell(bus.Grab("main"))
    again = await newcomer.next()
    assert again.sequence == first.sequence
    assert again.current_us > first.current_us
    screenshots = capture.frames(topic_of=topics.screenshot)
    assert (await screenshots.next()).sequence == first.sequence
    assert count(metrics.grabs) == grabs
    painter.fill(RED, Rect(5, 5, 5, 5))
    frame, _ = await frame_with(screenshots, RED, 7, 7)
    assert frame.sequence == first.sequence + 1
    assert frame.captured_us > asked_us


async def test_a_screenshot_of_an_unwatched_desk_is_as_it_is_now(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display)
    screenshots = capture.frames(topic_of=topics.screenshot)
    await screenshots.next()
    for i in range(5):
        painter.fill(RED + i, Rect(0, 0, 9, 9))
        await capture.tell(bus.Grab("main"))
        # It was drawn before the request, so the very next screenshot shows it.
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


async def test_resizes_while_it_is_drawn_on(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    """Grabs race with resizes, and every frame fits its own size."""
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
