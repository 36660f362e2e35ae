"""Capture of the synthetic desk, over the bus: demand, frames, screenshots, events, input."""

import asyncio
import json
from pathlib import Path

import pytest
import zmq

from fanlight_capture import metrics
from fanlight_capture.core.held_keys import HeldKeyLimits
from fanlight_capture.pattern.source import InputRecorder
from fanlight_common.bus.inlet_messages import refused
from fanlight_common.process import clock
from fanlight_common.protocol import binary, bus, control, frames, input, topics
from fanlight_common.protocol.topics import Lane
from tests.capture.barcode import read_number
from tests.capture.conftest import Capture, StartCapture, until
from tests.metrics import count


def moving(fps: int) -> dict[str, str]:
    """Settings of a synthetic desk of an odd size."""
    return {"source": "pattern", "pattern": f"321x243@{fps}"}


def recorder(capture: Capture) -> InputRecorder:
    source = capture.service._source
    assert source is not None
    sink = source.sink
    assert isinstance(sink, InputRecorder)
    return sink


async def test_frames_show_the_pattern_and_tell_what_changed(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(60))
    feed = capture.frames()
    last = await feed.next()
    assert (last.width, last.height, last.stride) == (321, 243, 4 * 321)
    kept = bytearray(feed.pixels(last))
    for _ in range(5):
        frame = await feed.next()
        pixels = feed.pixels(frame)
        assert frame.sequence > last.sequence
        changed = frames.damage_since(frame, last.sequence)
        assert changed is not None
        for rect in changed:
            for y in range(rect.y, rect.y + rect.height):
                row = slice(4 * (y * 321 + rect.x), 4 * (y * 321 + rect.x + rect.width))
                kept[row] = pixels[row]
        assert kept == pixels
        last = frame
    assert read_number(kept, 321, 243) is not None


async def test_the_pixels_lane_carries_the_same_picture(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(0))
    shm, pixels = capture.frames(), capture.frames(Lane.PIXELS)
    here, there = await shm.next(), await pixels.next()
    assert here.sequence == there.sequence == 1
    assert here.damage == ()
    assert shm.pixels(here) == pixels.pixels(there)


async def test_no_demand_no_grabs(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(100))
    await capture.live()
    before = count(metrics.grabs)
    events = capture.events()
    await until(lambda: events.positions)
    assert count(metrics.grabs) == before
    feed = capture.frames()
    await feed.next()
    await feed.next()
    feed.close()
    await until(lambda: not capture.service._demand.wants(topics.frame("main", Lane.SHM)))
    grabbed = count(metrics.grabs)
    # This takes many pictures' time. The pointer moves, so capture is still working.
    for x in range(1000, 11_000, 1000):
        await capture.input(input.PointerMove(x, x))
        await until(lambda: recorder(capture).position[0] == x * 321 >> 16)  # noqa: B023
    assert count(metrics.grabs) <= grabbed + 1


async def test_pictures_are_paced(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(200), max_fps=20)
    feed = capture.frames()
    first = await feed.next()
    last = first
    while last.captured_us - first.captured_us < 500_000:
        last = await feed.next()
    rate = (last.sequence - first.sequence) / (last.captured_us - first.captured_us) * 1e6
    assert 12 < rate < 21


async def test_screenshots_are_grabbed_only_when_something_changed(
    start_capture: StartCapture,
) -> None:
    capture = await start_capture(**moving(0))
    screenshots = capture.frames(topic_of=topics.screenshot)
    first = await screenshots.next()
    for _ in range(3):
        asked_us = clock.now_us()
        await capture.tell(bus.Grab("main"))
        again = await screenshots.next()
        assert (again.sequence, again.captured_us) == (first.sequence, first.captured_us)
        assert again.current_us >= asked_us
    # A second subscriber gets the same picture once more.
    second = capture.frames(topic_of=topics.screenshot)
    assert (await second.next()).sequence == first.sequence


async def test_a_grab_of_a_changing_desk_is_a_new_picture(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(200))
    screenshots = capture.frames(topic_of=topics.screenshot)
    first = await screenshots.next()
    assert await screenshots.none_within(0.1)
    await capture.tell(bus.Grab("main"))
    second = await screenshots.next()
    assert second.sequence == first.sequence + 1
    # For a subscriber that wants every frame screenshots are published, too.
    feed = capture.frames()
    await feed.next()
    assert (await screenshots.next()).sequence > second.sequence


async def test_a_newcomer_gets_the_present_picture_at_once(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(0))
    one = capture.frames()
    first = await one.next()
    two = capture.frames()
    second = await two.next()
    assert (second.instance, second.sequence) == (first.instance, first.sequence)
    assert second.current_us > first.current_us
    assert two.pixels(second) == one.pixels(first)


async def test_events_are_told_again_to_each_newcomer(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(30))
    one = capture.events()
    await until(lambda: one.shapes and one.positions)
    await capture.tell(bus.SetClipboard("main", "viewer-1", "früh"))
    await until(lambda: one.texts)
    two = capture.events()
    await until(lambda: two.shapes and two.positions and two.texts)
    assert two.shapes == one.shapes[:1]
    assert control.decode_from_gateway(two.texts[0]) == control.Clipboard("früh")
    numbers = [event.sequence for event in one.all]
    assert numbers == list(range(1, len(numbers) + 1))
    one.close()
    two.close()
    await until(lambda: not capture.service._demand.wants(topics.events("main")))
    three = capture.events()
    await until(lambda: three.shapes and three.positions and three.texts)
    assert three.all[0].sequence > numbers[-1]


async def test_input_arrives_in_order(start_capture: StartCapture, tmp_path: Path) -> None:
    log = tmp_path / "input.jsonl"
    capture = await start_capture(**moving(30), pattern_input_log=log)
    await capture.live()
    await capture.input(input.PointerMove(32768, 65535))
    await capture.input(input.PointerMoveRelative(-3, 4))
    await capture.input(input.PointerButton(True, 2, (0, 32768)))
    await capture.input(input.PointerButton(False, 2, None))
    await capture.input(input.Wheel(0, 60, None))
    await capture.input(input.Wheel(-120, 60, (65535, 0)))
    await capture.input(input.Text("a漢"))
    await capture.tap(0xE0, 0x06)
    await capture.tell(bus.SetClipboard("main", "viewer-1", "x"))
    expected = [
        ("move", 160, 242),
        ("move_relative", -3, 4),
        ("move", 0, 121),
        ("button", 2, True),
        ("button", 2, False),
        ("move", 320, 0),
        ("wheel", -1, 1),
        ("text", "a漢"),
        ("key", 0xE0, True),
        ("key", 0x06, True),
        ("key", 0x06, False),
        ("key", 0xE0, False),
        ("clipboard", "x"),
    ]
    await until(lambda: len(recorder(capture).recorded) == len(expected))
    assert list(recorder(capture).recorded) == expected
    assert [tuple(json.loads(line)) for line in log.read_text().splitlines()] == expected


async def test_bad_input_is_counted_and_harms_nothing(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(30))
    await capture.live()
    bad = count(refused, where="input")
    gaps = count(metrics.input_gaps)
    ignored = count(metrics.inputs_ignored)
    await capture.tell(bus.Input("main", "v", 1, b""))
    await capture.tell(bus.Input("main", "v", 2, b"\x20\x01"))
    await capture.tell(bus.Input("main", "v", 3, binary.Ping(1, 2).encode()))
    await capture._inlet.send(b"\xff nonsense")
    await capture.tell(bus.Input("other", "v", 4, input.Key(True, 4).encode()))
    await capture.tell(bus.SetClipboard("main", "v", "x" * (control.MAX_CLIPBOARD_CHARS + 1)))
    await capture.tell(bus.Input("main", "v", 9, input.Key(True, 4).encode()))
    await until(lambda: recorder(capture).recorded)
    assert list(recorder(capture).recorded) == [("key", 4, True)]
    assert count(refused, where="input") == bad + 3
    assert count(metrics.input_gaps) == gaps + 5
    assert count(metrics.inputs_ignored) == ignored + 1


async def test_keys_are_let_go(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(30), held_key_limits=HeldKeyLimits(silence_s=0.3))
    await capture.live()
    recorded = recorder(capture).recorded
    await capture.key(4, True)
    await capture.key(4, True)
    await capture.tell(bus.ReleaseViewer("main", "viewer-1", "blur"))
    await until(lambda: len(recorded) == 2)
    assert list(recorded) == [("key", 4, True), ("key", 4, False)]
    # A viewer that falls silent lets go of its key; a sign of life puts that off.
    await capture.key(5, True)
    for _ in range(4):
        await asyncio.sleep(0.15)  # half of the silence after which the key is released
        await capture.tell(bus.ViewerAlive("main", "viewer-1"))
        assert recorded[-1] == ("key", 5, True)
    await until(lambda: recorded[-1] == ("key", 5, False))
    # Two viewers hold the same key.
    await capture.key(6, True, "viewer-1")
    await capture.key(6, True, "viewer-2")
    await capture.tell(bus.ReleaseViewer("main", "viewer-1", "left"))
    await capture.key(6, False, "viewer-2")
    await until(lambda: recorded[-1] == ("key", 6, False))
    assert list(recorded)[4:] == [("key", 6, True), ("key", 6, False)]


async def test_stopping_lets_go_of_keys(start_capture: StartCapture) -> None:
    capture = await start_capture(**moving(30))
    await capture.live()
    sink = recorder(capture)
    await capture.key(4, True)
    await capture.input(input.PointerButton(True, 0, None))
    await until(lambda: len(sink.recorded) == 2)
    await capture.service.input.detach("stop")
    assert list(sink.recorded)[2:] == [("button", 0, False), ("key", 4, False)]
    ignored = count(metrics.inputs_ignored)
    await capture.key(5, True)
    await until(lambda: count(metrics.inputs_ignored) == ignored + 1)


@pytest.mark.parametrize("topic", [b"frame/main/shm", b"frame/other/shm/", b"\xff\x00"])
async def test_odd_subscriptions_harm_nothing(start_capture: StartCapture, topic: bytes) -> None:
    capture = await start_capture(**moving(0))
    socket = capture.worker.context.socket(zmq.SUB)
    socket.subscribe(topic)
    socket.connect(capture.worker.outlet_endpoint)
    feed = capture.frames()
    assert (await feed.next()).sequence == 1
    socket.close(linger=0)
