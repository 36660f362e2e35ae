"""The msgpack codec of bus messages: what goes in comes out, and nothing else gets through."""

import contextlib
from dataclasses import dataclass
from typing import ClassVar

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import bus, wire

texts = st.text(max_size=20)
numbers = st.integers(min_value=-(2**63), max_value=2**64 - 1)
loads = st.floats(allow_nan=False)
offers = st.builds(bus.DeskOffer, texts, numbers, numbers)
held = st.builds(bus.HeldStream, texts, numbers)

MESSAGES = (
    (
        bus.decode_directory_inlet,
        st.one_of(
            st.builds(
                bus.Heartbeat,
                *[texts] * 7,
                st.lists(offers, max_size=3).map(tuple),
                numbers,
                loads,
                st.lists(held, max_size=3).map(tuple),
            ),
            st.builds(bus.Farewell, texts, texts),
        ),
    ),
    (
        bus.decode_directory_outlet,
        st.one_of(
            st.builds(bus.DeskRecord, texts, st.booleans(), *[texts] * 5, numbers, numbers),
            st.builds(bus.LeaseRecord, texts, st.booleans(), *[texts] * 4, numbers),
            st.builds(bus.ServiceRecord, texts, texts, st.booleans(), *[texts] * 3),
        ),
    ),
    (
        bus.decode_capture_inlet,
        st.one_of(
            st.builds(bus.Grab, texts),
            st.builds(bus.GrabNext, texts, numbers),
            st.builds(bus.Input, texts, texts, numbers, st.binary(max_size=20)),
            st.builds(bus.ViewerAlive, texts, texts),
            st.builds(bus.ReleaseViewer, texts, texts, texts),
            st.builds(bus.SetClipboard, texts, texts, texts),
        ),
    ),
    (
        bus.decode_encoder_inlet,
        st.one_of(
            st.builds(bus.RequestIdr, texts),
            st.builds(bus.StreamDemand, texts, texts, st.booleans(), numbers, st.booleans()),
        ),
    ),
    (
        bus.decode_event,
        st.builds(bus.Event, numbers, st.binary(max_size=20), texts),
    ),
)


@given(st.data())
def test_round_trip(data: st.DataObject) -> None:
    decode, messages = data.draw(st.sampled_from(MESSAGES))
    message = data.draw(messages)
    assert decode(bus.encode(message)) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_protocol_error(data: bytes) -> None:
    for decode, _ in MESSAGES:
        with contextlib.suppress(ProtocolError):
            decode(data)


@given(st.data())
def test_truncated_messages_are_refused(data: st.DataObject) -> None:
    decode, messages = data.draw(st.sampled_from(MESSAGES))
    encoded = bus.encode(data.draw(messages))
    cut = data.draw(st.integers(min_value=0, max_value=len(encoded) - 1))
    with pytest.raises(ProtocolError):
        decode(encoded[:cut])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "no array"),
        ({}, "no array"),
        (["1"], "no array"),
        ([True], "no array"),
        ([99, "main"], "unexpected message type"),
        ([20], "wants 1 fields"),
        ([20, 7], "wants str"),
        ([20, b"main"], "wants str"),
        ([21, "main", "v", True, b"", 0], "wants int"),
    ],
)
def test_wrong_shapes_say_what_is_wrong(value: object, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        bus.decode_capture_inlet(msgpack.packb(value))


@dataclass(frozen=True, slots=True)
class _Optional:
    TYPE: ClassVar[int] = 1
    number: int | None
    share: float


def test_optional_fields_and_whole_floats() -> None:
    assert wire.unpack(msgpack.packb([1, None, 1]), _Optional) == _Optional(None, 1.0)
    assert wire.unpack(msgpack.packb([1, 3, 0.5]), _Optional) == _Optional(3, 0.5)
    with pytest.raises(ProtocolError):
        wire.unpack(msgpack.packb([1, "3", 0.5]), _Optional)


def test_arrays_are_wanted_where_arrays_are() -> None:
    beat = bus.Heartbeat("k", "i", "n", "h", "o", "i", "", (), 0, 0.0, ())
    plain = msgpack.unpackb(bus.encode(beat))
    for index in (8, 11):
        wrong = list(plain)
        wrong[index] = "x"
        with pytest.raises(ProtocolError, match="wants an array"):
            bus.decode_directory_inlet(msgpack.packb(wrong))
    wrong = list(plain)
    wrong[8] = ["x"]
    with pytest.raises(ProtocolError, match="DeskOffer: wants 3 fields"):
        bus.decode_directory_inlet(msgpack.packb(wrong))


def test_type_numbers_are_used_once() -> None:
    kinds = [k for k in vars(bus).values() if isinstance(k, type) and hasattr(k, "TYPE")]
    assert len({k.TYPE for k in kinds}) == len(kinds) == 15
