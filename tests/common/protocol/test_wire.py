"""The msgpack codec of bus messages: a message is decoded as it was encoded, also by another
release, and anything else is refused."""

import contextlib
from dataclasses import MISSING, dataclass, field, fields, make_dataclass
from typing import Any, ClassVar

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
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
            st.builds(
                bus.Input,
                texts,
                texts,
                numbers,
                st.binary(max_size=20),
                wants_ack=st.booleans(),
            ),
            st.builds(bus.ViewerAlive, texts, texts),
            st.builds(bus.ReleaseViewer, texts, texts, texts),
            st.builds(bus.SetClipboard, texts, texts, texts),
        ),
    ),
    (
        bus.decode_encoder_inlet,
        st.one_of(
            st.builds(bus.ForceIdr, texts),
            st.builds(bus.StreamDemand, texts, texts, st.booleans(), numbers, st.booleans()),
        ),
    ),
    (
        bus.decode_event,
        st.builds(bus.Event, numbers, st.binary(max_size=20), texts),
    ),
    (bus.decode_input_ack, st.builds(bus.InputAck, texts, numbers, numbers)),
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
        ([20], "no array"),
        ([20, "main"], "no array"),
        ([20, True, "main"], "no array"),
        ([99, 1, "main"], "unexpected message type 99, version 1"),
        ([20, 1], "wants 1 fields"),
        ([20, 1, 7], "wants str"),
        ([20, 1, b"main"], "wants str"),
        ([21, 1, "main", "v", True, b"", 0], "wants int"),
        ([20, 2, "main"], "Grab of version 2, this release reads 1 to 1"),
        ([20, 0, "main"], "Grab of version 0"),
        ([20, -1, "main"], "Grab of version -1"),
    ],
)
def test_wrong_shapes_say_what_is_wrong(value: object, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        bus.decode_capture_inlet(msgpack.packb(value))


@dataclass(frozen=True, slots=True)
class _Optional:
    TYPE: ClassVar[int] = 1
    VERSION: ClassVar[int] = 1
    number: int | None
    share: float


def test_optional_fields_and_whole_floats() -> None:
    assert wire.unpack(msgpack.packb([1, 1, None, 1]), _Optional) == _Optional(None, 1.0)
    assert wire.unpack(msgpack.packb([1, 1, 3, 0.5]), _Optional) == _Optional(3, 0.5)
    with pytest.raises(ProtocolError):
        wire.unpack(msgpack.packb([1, 1, "3", 0.5]), _Optional)


def test_arrays_are_wanted_where_arrays_are() -> None:
    beat = bus.Heartbeat("k", "i", "n", "h", "o", "i", "", (), 0, 0.0, ())
    plain = msgpack.unpackb(bus.encode(beat))
    for index in (9, 12):
        wrong = list(plain)
        wrong[index] = "x"
        with pytest.raises(ProtocolError, match="wants an array"):
            bus.decode_directory_inlet(msgpack.packb(wrong))
    wrong = list(plain)
    for offer, reason in (("x", "wants an array"), (["x"], "DeskOffer: wants 3 fields")):
        wrong[9] = [offer]
        with pytest.raises(ProtocolError, match=reason):
            bus.decode_directory_inlet(msgpack.packb(wrong))


def test_type_numbers_are_used_once() -> None:
    kinds = [k for k in vars(bus).values() if isinstance(k, type) and hasattr(k, "TYPE")]
    assert len({k.TYPE for k in kinds}) == len(kinds) == 16


KINDS = {kind.TYPE: kind for kind in vars(bus).values() if hasattr(kind, "TYPE")}


@given(st.data())
def test_fields_of_a_later_release_are_passed_over(data: st.DataObject) -> None:
    decode, messages = data.draw(st.sampled_from(MESSAGES))
    message = data.draw(messages)
    more = data.draw(st.lists(numbers | texts | st.none() | st.lists(texts), min_size=1))
    plain = msgpack.unpackb(bus.encode(message))
    for index, value in enumerate(plain):
        if isinstance(value, list):  # objects within a message may grow as well
            plain[index] = [[*item, *more] for item in value]
    assert decode(msgpack.packb([*plain, *more])) == message


@given(st.data())
def test_fields_that_an_earlier_release_does_not_send_take_their_default(
    data: st.DataObject,
) -> None:
    decode, messages = data.draw(st.sampled_from(MESSAGES))
    message = data.draw(messages)
    plain = msgpack.unpackb(bus.encode(message))
    own = fields(type(message))
    required = sum(f.default is MISSING for f in own)
    keep = data.draw(st.integers(min_value=0, max_value=len(own)))
    cut = msgpack.packb(plain[: 2 + keep])
    if keep < required:
        with pytest.raises(NotUnderstoodError, match=f"wants {required} fields or more") as caught:
            decode(cut)
        error = caught.value
        assert (error.what, error.version, error.known) == (type(message).__name__, 1, 1)
        return
    decoded = decode(cut)
    for index, one in enumerate(own):
        expected = getattr(message, one.name) if index < keep else one.default
        assert getattr(decoded, one.name) == expected


@given(st.sampled_from(sorted(KINDS)), numbers)
def test_another_version_is_not_understood_and_says_both(kind: int, version: int) -> None:
    for decode, _ in MESSAGES:
        with contextlib.suppress(ProtocolError):
            decode(msgpack.packb([kind, version]))
    if version != 1:
        with pytest.raises(NotUnderstoodError) as caught:
            wire.unpack(msgpack.packb([kind, version, *[None] * 20]), *KINDS.values())
        error = caught.value
        assert (error.what, error.version, error.known) == (KINDS[kind].__name__, version, 1)


def test_an_unknown_kind_is_not_understood_and_says_its_version() -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        bus.decode_event(msgpack.packb([99, 7, "x"]))
    assert (caught.value.what, caught.value.version, caught.value.known) == ("type 99", 7, None)


@dataclass(frozen=True, slots=True)
class _Renewed:
    """A message whose meaning has changed once. Its last version but one is still read."""

    TYPE: ClassVar[int] = 1
    VERSION: ClassVar[int] = 3
    OLDEST: ClassVar[int] = 2

    number: int
    name: str = ""


@pytest.mark.parametrize("version", range(6))
def test_versions_from_the_oldest_that_is_read_to_our_own(version: int) -> None:
    data = msgpack.packb([1, version, 5])
    if 2 <= version <= 3:
        assert wire.unpack(data, _Renewed) == _Renewed(5)
    else:
        with pytest.raises(NotUnderstoodError, match="reads 2 to 3"):
            wire.unpack(data, _Renewed)


def test_a_later_release_reads_and_is_read() -> None:
    later: Any = make_dataclass(
        "Later", [("colour", str, field(default="red"))], bases=(bus.Farewell,), frozen=True
    )
    assert wire.unpack(bus.encode(bus.Farewell("a", "b")), later) == later("a", "b", "red")
    assert bus.decode_directory_inlet(bus.encode(later("a", "b", "blue"))) == bus.Farewell("a", "b")
    assert wire.unpack(bus.encode(later("a", "b", "blue")), later) == later("a", "b", "blue")
