"""Frame messages: both lanes, damage, and hostile bytes."""

import contextlib
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import frames, topics
from fanlight_common.protocol.frames import Frame, SlotRef
from fanlight_common.protocol.topics import Lane

TOPIC = topics.frame("main", Lane.SHM)
u16 = st.integers(0, 65535)
u32 = st.integers(0, 2**32 - 1)
u64 = st.integers(0, 2**64 - 1)
rects = st.builds(Rect, u16, u16, u16, u16)
damage = st.lists(st.lists(rects, max_size=16).map(tuple), max_size=8).map(tuple)
slots = st.builds(SlotRef, st.integers(0, 2**31 - 1), u32, u64, u64, u64)


@st.composite
def frames_of_both_lanes(draw: st.DrawFn) -> Frame:
    slot = draw(st.none() | slots)
    width, height = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    stride = 4 * width + draw(st.integers(0, 4))
    pixels = (
        None
        if slot
        else memoryview(draw(st.binary(min_size=height * stride, max_size=height * stride)))
    )
    numbers = [draw(u64) for _ in range(4)]
    return Frame(width, height, stride, *numbers, draw(damage), slot, pixels, draw(u64))


@given(frames_of_both_lanes())
def test_round_trip(frame: Frame) -> None:
    decoded = frames.decode(frames.encode(TOPIC, frame), TOPIC)
    assert decoded == frame
    assert decoded.size_bytes == frame.height * frame.stride


@given(frames_of_both_lanes(), st.data())
def test_truncated_or_longer_messages_are_refused(frame: Frame, data: st.DataObject) -> None:
    encoded = frames.encode(TOPIC, frame)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    for wrong in (encoded[:cut], encoded + b"x"):
        with pytest.raises(ProtocolError):
            frames.decode(wrong, TOPIC)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_a_protocol_error(data: bytes) -> None:
    for message in (data, TOPIC + data):
        with contextlib.suppress(ProtocolError):
            frames.decode(message, TOPIC)


def test_impossible_headers_are_refused() -> None:
    good = Frame(2, 2, 8, 1, 1, 1, 1, (), SlotRef(1, 0, 1, 2, 4096), None)
    for change in ({"width": 0}, {"height": 0}, {"width": 20000}, {"stride": 7}, {"height": 16385}):
        with pytest.raises(ProtocolError, match="impossible size"):
            frames.decode(frames.encode(TOPIC, replace(good, **change)), TOPIC)
    encoded = bytearray(frames.encode(TOPIC, good))
    for position, value in ((1, 3), (2, 2), (3, 9)):
        wrong = bytearray(encoded)
        wrong[len(TOPIC) + position] = value
        with pytest.raises(ProtocolError, match="unknown lane"):
            frames.decode(bytes(wrong), TOPIC)
    # An entry has at most 16 rectangles, whatever the count says.
    many = bytearray(encoded)
    many[len(TOPIC) + 3] = 1
    many += struct.pack("<H", 17) + bytes(17 * 8)
    with pytest.raises(ProtocolError, match="truncated damage"):
        frames.decode(bytes(many), TOPIC)


HEADER_BYTES = 92
HEADER_BYTES_AT = len(TOPIC) + 4


@given(frames_of_both_lanes(), st.integers(1, 64), st.data())
def test_header_fields_of_a_later_release_are_passed_over(
    frame: Frame, more: int, data: st.DataObject
) -> None:
    encoded = frames.encode(TOPIC, frame)
    behind = len(TOPIC) + HEADER_BYTES
    longer = bytearray(encoded[:behind] + data.draw(st.binary(min_size=more, max_size=more)))
    struct.pack_into("<H", longer, HEADER_BYTES_AT, HEADER_BYTES + more)
    assert frames.decode(bytes(longer + encoded[behind:]), TOPIC) == frame


@given(frames_of_both_lanes(), st.integers(0, 65535))
def test_a_header_length_that_lies_is_refused(frame: Frame, told: int) -> None:
    encoded = bytearray(frames.encode(TOPIC, frame))
    struct.pack_into("<H", encoded, HEADER_BYTES_AT, told)
    if told == HEADER_BYTES:
        assert frames.decode(bytes(encoded), TOPIC) == frame
    elif told < HEADER_BYTES or told > len(encoded) - len(TOPIC):
        with pytest.raises(ProtocolError, match="impossible header"):
            frames.decode(bytes(encoded), TOPIC)
    else:
        with contextlib.suppress(ProtocolError):
            frames.decode(bytes(encoded), TOPIC)


@given(frames_of_both_lanes(), st.integers(0, 255), st.integers(1, 200))
def test_another_version_is_not_understood_however_short_it_is(
    frame: Frame, version: int, size: int
) -> None:
    encoded = bytearray(frames.encode(TOPIC, frame))
    encoded[len(TOPIC)] = version
    if version != frames.VERSION:
        with pytest.raises(NotUnderstoodError) as caught:
            frames.decode(bytes(encoded[: len(TOPIC) + size]), TOPIC)
        error = caught.value
        assert (error.what, error.version, error.known) == ("Frame", version, frames.VERSION)


def test_damage_since() -> None:
    newest, older = (Rect(0, 0, 1, 1),), (Rect(5, 5, 2, 2), Rect(9, 9, 1, 1))
    frame = Frame(2, 2, 8, 1, 10, 1, 1, (newest, older), SlotRef(1, 0, 1, 2, 4096), None)
    assert frames.damage_since(frame, 10) == ()
    assert frames.damage_since(frame, 9) == newest
    assert frames.damage_since(frame, 8) == newest + older
    assert frames.damage_since(frame, 7) is None, "away too long: the whole frame"
    assert frames.damage_since(frame, 11) is None, "from the future: another instance"


def test_damage_that_ends_too_soon_is_refused() -> None:
    frame = Frame(2, 2, 8, 1, 1, 1, 1, ((Rect(0, 0, 1, 1),),), SlotRef(1, 0, 1, 2, 4096), None)
    encoded = frames.encode(TOPIC, frame)
    for cut in range(1, 11):  # the cut is in the rectangle, or in its count
        with pytest.raises(ProtocolError, match="truncated damage"):
            frames.decode(encoded[:-cut], TOPIC)
