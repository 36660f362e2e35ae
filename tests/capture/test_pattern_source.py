"""Capture of the synthetic desk, over the bus."""

from fanlight_capture import metrics, pattern
from fanlight_common import clock
from fanlight_common.protocol import bus, frames, public, topics
from fanlight_common.protocol.topics import Lane

from .conftest import StartCapture, counter, until

SIZE = {"source": "pattern", "pattern_width": 321, "pattern_height": 243}


async def test_frames_show_the_pattern_and_tell_what_changed(start_capture: StartCapture) -> None:
    capture = await start_capture(**SIZE, pattern_fps=60)
    feed = capture.frames()
    first = await feed.next()
    assert (first.width, first.height, first.stride) == (321, 243, 4 * 321)
    kept = bytearray(feed.pixels(first))
    last = first
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
    assert pattern.read_number(kept, 321, 243) is not None
