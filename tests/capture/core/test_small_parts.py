"""Wheel, positions, sequence numbers, events, keysyms, the pattern, the pointer's PNG."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fanlight_capture.core import pattern
from fanlight_capture.core.event_log import EventLog
from fanlight_capture.core.keysyms import keysym_of, keysyms_of
from fanlight_capture.core.positions import position, to_fraction, to_pixel
from fanlight_capture.core.sequences import MAX_VIEWERS, SequenceTracker
from fanlight_capture.core.wheel import UNITS_PER_CLICK, WheelAccumulator
from fanlight_capture.settings import CaptureSettings
from fanlight_capture.x11.pointer_image import HIDDEN, pointer_shape
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.core.geometry import Rect
from fanlight_common.process.settings import load
from fanlight_common.protocol.binary import PointerPosition, PointerShape
from fanlight_common.protocol.control import Clipboard


def test_wheel_gathers_deltas_into_clicks() -> None:
    wheel = WheelAccumulator()
    assert wheel.turn(0, 50) == (0, 0)
    assert wheel.turn(0, 50) == (0, 0)
    assert wheel.turn(0, 50) == (0, 1)
    assert wheel.turn(-240, 0) == (-2, 0)
    # 30 were left over downwards; turning back drops them.
    assert wheel.turn(0, -119) == (0, 0)
    assert wheel.turn(0, -1) == (0, -1)


@given(st.lists(st.integers(1, 32767)))
def test_wheel_loses_nothing_in_one_direction(deltas: list[int]) -> None:
    wheel = WheelAccumulator()
    assert sum(wheel.turn(d, 0)[0] for d in deltas) == sum(deltas) // UNITS_PER_CLICK


@given(st.integers(1, 16384), st.data())
def test_positions_survive_the_way_there_and_back(size: int, data: st.DataObject) -> None:
    pixel = data.draw(st.integers(0, size - 1))
    assert to_pixel(to_fraction(pixel, size), size) == pixel
    fraction = data.draw(st.integers(0, 65535))
    assert 0 <= to_pixel(fraction, size) < size


def test_positions_outside_are_clamped() -> None:
    assert position(-5, 5000, 100, 100) == PointerPosition(0, 65535)


def test_sequence_gaps() -> None:
    tracker = SequenceTracker()
    assert tracker.missing("one", 7) == 0
    assert tracker.missing("one", 8) == 0
    assert tracker.missing("one", 11) == 2
    assert tracker.missing("one", 1) == 0
    assert tracker.missing("one", 1) == 0
    assert tracker.missing("one", 3) == 1
    assert tracker.missing("one", 2) == 0
    for i in range(MAX_VIEWERS):
        tracker.missing(f"v{i}", 1)
    assert tracker.missing("one", 9) == 0


def test_events_are_numbered_and_say_only_what_is_new() -> None:
    log = EventLog()
    here, shape = PointerPosition(1, 2), PointerShape(1, 1, 0, 0, b"png")
    first = log.note(here)
    assert first is not None
    assert (first.sequence, first.binary, first.text) == (1, here.encode(), "")
    assert log.note(here) is None
    second = log.note(Clipboard("é"))
    assert second is not None
    assert (second.sequence, second.binary, second.text) == (2, b"", Clipboard("é").encode())
    log.note(shape)
    assert [(e.sequence, e.binary[:1]) for e in log.again()] == [(4, b"\4"), (5, b"\3"), (6, b"")]
    log.forget()
    assert log.again() == ()
    assert log.note(here) is not None


def test_keysyms() -> None:
    assert keysyms_of("aé漢😀\r\n\n\t") == [
        0x61,
        0xE9,
        0x1006F22,
        0x101F600,
        0xFF0D,
        0xFF0D,
        0xFF09,
    ]
    assert keysym_of("\x00") is None
    assert keysym_of("\x85") is None
    assert keysyms_of("a\x01b") == [0x61, 0x62]


@given(st.integers(0, 2**30 - 1), st.integers(256, 500), st.integers(192, 400))
def test_the_pattern_can_be_read_and_says_what_it_changed(
    number: int, width: int, height: int
) -> None:
    still = pattern.base(width, height)
    before, after = bytearray(len(still)), bytearray(len(still))
    pattern.draw(memoryview(before), still, number, width, height)
    pattern.draw(memoryview(after), still, number + 3, width, height)
    assert pattern.read_number(before, width, height) == number
    for index, colour in enumerate(pattern.PATCHES):
        x, y = pattern.patch_centre(index, width, height)
        at = 4 * (y * width + x)
        assert before[at : at + 4] == pattern.bgrx(colour)
    for rect in pattern.changed(number, number + 3, width, height):
        for y in range(rect.y, rect.y + rect.height):
            row = slice(4 * (y * width + rect.x), 4 * (y * width + rect.x + rect.width))
            before[row] = after[row]
    assert before == after


def test_the_pattern_at_rest() -> None:
    assert pattern.changed(5, 5, 300, 200) == ()
    assert pattern.barcode_area(200) == Rect(0, 192, 256, 8)
    assert pattern.read_number(bytes(4 * 300 * 200), 300, 200) is None


def test_pointer_colours_are_divided_by_their_alpha() -> None:
    # Half-transparent pure red, premultiplied BGRA; then a pixel of full green.
    shape = pointer_shape(bytes((0, 0, 128, 128, 0, 255, 0, 255)), 2, 1, 1, 0)
    assert (shape.width, shape.height, shape.hotspot_x, shape.hotspot_y) == (2, 1, 1, 0)
    image = Image.open(io.BytesIO(shape.png))
    assert image.mode == "RGBA"
    assert image.getpixel((0, 0)) == (255, 0, 0, 128)
    assert image.getpixel((1, 0)) == (0, 255, 0, 255)


def test_an_invisible_pointer_is_hidden() -> None:
    assert pointer_shape(bytes(16), 2, 2, 0, 0) == HIDDEN


def test_settings_name_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_CAPTURE_DESK", "Not A Name")
    with pytest.raises(ConfigurationError, match="FANLIGHT_CAPTURE_DESK"):
        load(CaptureSettings)
    monkeypatch.setenv("FANLIGHT_CAPTURE_DESK", "second")
    monkeypatch.setenv("FANLIGHT_CAPTURE_DISPLAY", "")
    monkeypatch.setenv("DISPLAY", ":77")
    settings = load(CaptureSettings)
    assert settings.desk == "second"
    assert settings.display_name == ":77"
    assert all(field.description for field in CaptureSettings.model_fields.values())
