"""The viewer's messages: round trips and hostile bytes. Their bytes are pinned by the vectors."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import binary, control, input, keyboard, layouts

u8, u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
i16 = st.integers(-(2**15), 2**15 - 1)
positions = st.none() | st.tuples(u16, u16)

from_gateway = st.one_of(
    st.builds(
        binary.VideoUnit,
        st.booleans(),
        st.integers(1, 65535),
        st.integers(1, 65535),
        u32,
        u32,
        u64,
        st.binary(min_size=1, max_size=40),
        relaxed=st.booleans(),
    ),
    st.builds(binary.Pong, u32, u64, u64),
    st.builds(binary.PointerPosition, u16, u16),
    st.builds(binary.PointerShape, u16, u16, u16, u16, st.binary(max_size=40)),
)
inputs = st.one_of(
    st.builds(input.Key, st.booleans(), u16),
    st.builds(input.PointerMove, u16, u16),
    st.builds(input.PointerMoveRelative, i16, i16),
    st.builds(input.PointerButton, st.booleans(), st.integers(0, 4), positions),
    st.builds(input.Wheel, i16, i16, positions),
    st.builds(input.Text, st.text(min_size=1, max_size=100)),
)
from_viewer = st.one_of(
    st.builds(binary.Ping, u32, u64), st.builds(binary.Ack, u16, u32, u32, u32), inputs
)
viewer_ids = st.from_regex(r"[A-Za-z0-9_-]{8,64}", fullmatch=True)
texts = st.text(max_size=40)
control_from_viewer = st.one_of(
    st.builds(
        control.Hello,
        viewer_ids,
        st.booleans(),
        st.booleans(),
        st.integers(),
        st.lists(texts, max_size=control.MAX_CODECS).map(tuple),
    ),
    st.builds(control.SetVideoEnabled, st.booleans()),
    st.builds(control.SetKeyframesOnly, st.booleans()),
    st.builds(control.RequestIdr),
    st.builds(control.SetFocus, st.booleans()),
    st.builds(control.Clipboard, texts),
)
settings = st.dictionaries(texts, st.integers() | st.floats(allow_nan=False, allow_infinity=False))
control_from_gateway = st.one_of(
    st.builds(control.Welcome, texts, texts, settings, st.integers()),
    st.builds(control.DeskState, texts, st.integers(), st.integers()),
    st.builds(control.VideoState, texts),
    st.builds(control.Clipboard, texts),
    st.builds(control.Error, texts, texts),
)


@given(from_gateway)
def test_gateway_messages_round_trip(message: binary.GatewayMessage) -> None:
    assert binary.decode_from_gateway(message.encode()) == message


@given(from_viewer)
def test_viewer_messages_round_trip(message: binary.ViewerMessage) -> None:
    assert binary.decode_from_viewer(message.encode()) == message


@given(inputs)
def test_input_messages_are_what_capture_takes(message: input.InputMessage) -> None:
    assert input.decode_input(message.encode()) == message


@given(control_from_viewer)
def test_viewer_control_round_trips(message: control.ViewerControl) -> None:
    assert control.decode_from_viewer(message.encode()) == message


@given(control_from_gateway)
def test_gateway_control_round_trips(message: control.GatewayControl) -> None:
    assert control.decode_from_gateway(message.encode()) == message


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_a_protocol_error(data: bytes) -> None:
    for decode in (binary.decode_from_gateway, binary.decode_from_viewer, input.decode_input):
        # A known type in front leads deeper into the decoders.
        for message in (data, *(bytes((kind,)) + data for kind in (1, 2, 3, 4, *range(16, 38)))):
            with contextlib.suppress(ProtocolError):
                decode(message)


@given(st.text(max_size=60) | st.recursive(st.none() | st.booleans() | texts, st.lists).map(str))
def test_any_text_is_a_control_message_or_a_protocol_error(text: str) -> None:
    for decode in (control.decode_from_viewer, control.decode_from_gateway):
        with contextlib.suppress(ProtocolError):
            decode(text)


@pytest.mark.parametrize("depth", [10, 100_000])
def test_deep_json_is_refused(depth: int) -> None:
    with pytest.raises(ProtocolError):
        control.decode_from_viewer("[" * depth + "]" * depth)


@pytest.mark.parametrize("kind", [binary.Ping(1, 2), input.Key(True, 4), input.Wheel(1, 1, None)])
def test_truncated_and_much_longer_messages_are_refused(kind: binary.ViewerMessage) -> None:
    data = kind.encode()
    for wrong in (data[:-1], data.ljust(layouts.MAX_FIXED_BYTES + 1, b"\0")):
        with pytest.raises(ProtocolError, match=type(kind).__name__):
            binary.decode_from_viewer(wrong)


@given(from_viewer | from_gateway, st.binary(min_size=1, max_size=80))
def test_fields_of_a_later_release_are_passed_over(
    message: binary.ViewerMessage | binary.GatewayMessage, more: bytes
) -> None:
    if isinstance(message, binary.VideoUnit | binary.PointerShape | input.Text):
        return  # the end of these messages is their payload
    decode: Any = (
        binary.decode_from_gateway
        if isinstance(message, binary.GatewayMessage)
        else binary.decode_from_viewer
    )
    assert decode(message.encode() + more) == message


areas = st.lists(st.just(Rect(0, 0, 1, 1)), max_size=binary.VideoUnit.MAX_AREAS).map(tuple)
units = st.builds(
    binary.VideoUnit,
    st.just(False),
    st.integers(1, 65535),
    st.integers(1, 65535),
    u32,
    u32,
    u64,
    st.binary(min_size=1, max_size=40),
    areas=areas,
)
UNIT_HEADER_BYTES = 28


@given(units, st.integers(1, 10), st.data())
def test_header_fields_of_a_later_unit_are_passed_over(
    unit: binary.VideoUnit, words: int, data: st.DataObject
) -> None:
    encoded = unit.encode()
    more = data.draw(st.binary(min_size=4 * words, max_size=4 * words))
    longer = bytearray(encoded[:UNIT_HEADER_BYTES] + more + encoded[UNIT_HEADER_BYTES:])
    longer[3] += words
    assert binary.decode_from_gateway(bytes(longer)) == unit


@given(units, st.integers(0, 255))
def test_a_unit_whose_header_length_lies_is_a_unit_or_a_protocol_error(
    unit: binary.VideoUnit, words: int
) -> None:
    encoded = bytearray(unit.encode())
    encoded[3] = words
    if 4 * words < UNIT_HEADER_BYTES or 4 * words + 8 * len(unit.areas) >= len(encoded):
        with pytest.raises(ProtocolError, match="VideoUnit"):
            binary.VideoUnit.decode(bytes(encoded))
    else:
        with contextlib.suppress(ProtocolError):
            binary.VideoUnit.decode(bytes(encoded))


@given(units, st.integers(0, 255), st.integers(3, 60))
def test_a_unit_of_another_version_is_not_understood(
    unit: binary.VideoUnit, version: int, size: int
) -> None:
    encoded = bytearray(unit.encode())
    encoded[2] = version
    if version != binary.VideoUnit.VERSION:
        with pytest.raises(NotUnderstoodError) as caught:
            binary.VideoUnit.decode(bytes(encoded[:size]))
        assert (caught.value.what, caught.value.version, caught.value.known) == (
            "VideoUnit",
            version,
            1,
        )


@given(units, st.integers(2, 255))
def test_a_unit_of_another_stream_kind_or_codec_is_not_understood(
    unit: binary.VideoUnit, number: int
) -> None:
    for at, what in ((4, "stream kind"), (5, "codec")):
        encoded = bytearray(unit.encode())
        encoded[at] = number
        with pytest.raises(NotUnderstoodError, match=f"unknown {what} {number}"):
            binary.VideoUnit.decode(bytes(encoded))


def test_a_message_of_an_unknown_type_is_not_understood() -> None:
    with pytest.raises(NotUnderstoodError, match="0x7f"):
        binary.decode_from_viewer(b"\x7f\x01")


@pytest.mark.parametrize(
    "data",
    [
        bytes((0x20, 2, 4, 0)),
        bytes((0x23, 4, 0, 0, 0, 0, 0, 0)),
        bytes((0x23, 1, 5, 0, 0, 0, 0, 0)),
        bytes((0x24, 1, 0, 0, 0, 0, 0, 0, 0, 0)),
        b"\x25",
        b"\x25\xff",
        b"\x25" + b"a" * (input.MAX_TEXT_BYTES + 1),
        b"",
        b"\x01" + bytes(30),
    ],
)
def test_impossible_values_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        binary.decode_from_viewer(data)


@pytest.mark.parametrize("flags", [{"width": 0}, {"height": 0}, {"payload": b""}])
def test_impossible_units_are_refused(flags: dict[str, object]) -> None:
    values = {"idr": True, "width": 2, "height": 2, "epoch": 1, "sequence": 1, "captured_us": 1}
    unit = binary.VideoUnit(**{**values, "payload": b"x", **flags})  # type: ignore[arg-type]
    with pytest.raises(ProtocolError, match="VideoUnit"):
        binary.decode_from_gateway(unit.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"hello":1,"x":2}',
        '{"no_such":1}',
        '{"hello":{}}',
        '{"hello":{"viewer":"short","video_enabled":true,"keyframes_only":false,"protocol":1}}',
        '{"hello":{"viewer":"longenough","video_enabled":1,"keyframes_only":false,"protocol":1}}',
        '{"set_video_enabled":"yes"}',
        '{"request_idr":false}',
        '{"clipboard":"text"}',
        '{"clipboard":{"text":7}}',
        '{"clipboard":{"text":"\\ud800"}}',
    ],
)
def test_wrong_control_messages_are_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        control.decode_from_viewer(text)


def test_an_endless_clipboard_is_refused() -> None:
    text = control.Clipboard("x" * (control.MAX_CLIPBOARD_CHARS + 1)).encode()
    with pytest.raises(ProtocolError, match="more than"):
        control.decode_from_viewer(text)


@pytest.mark.parametrize(
    "text", ['{"welcome":{"settings":{"a":"b"}}}', '{"welcome":[]}', '{"nothing":1}']
)
def test_wrong_gateway_control_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        control.decode_from_gateway(text)


def test_keys_are_unambiguous() -> None:
    codes, usages, names = zip(*keyboard.KEYS, strict=True)
    assert len(set(codes)) == len(codes)
    assert len(set(usages)) == len(usages)
    flat = [name for group in names for name in group]
    assert len(set(flat)) == len(flat)
    assert keyboard.USAGE_BY_CODE["KeyA"] == 4
    assert keyboard.XKB_NAMES_BY_USAGE[keyboard.USAGE_BY_CODE["KeyZ"]] == ("AB01",)
