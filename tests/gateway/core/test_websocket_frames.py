"""A client's library reads the frames that are made here, and writes those that are read here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode, apply_mask  # type: ignore[attr-defined]
from websockets.protocol import State
from websockets.uri import parse_uri

from fanlight_gateway.core.websocket_frames import HEADER_BYTES, Splitter, framed, is_short


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 200_000])
def test_a_message_of_any_size_is_one_frame(size: int) -> None:
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN, max_size=None)
    data = bytes(range(256)) * (size // 256 + 1)
    text = "ä" * (size // 2)
    client.receive_data(framed(data[:size]) + framed(text))
    events = [event for event in client.events_received() if isinstance(event, Frame)]
    assert [event.opcode for event in events] == [Opcode.BINARY, Opcode.TEXT]
    assert all(event.fin for event in events)
    assert [bytes(event.data) for event in events] == [data[:size], text.encode()]


def payload(frame: bytes) -> bytes:
    """Return the content of a short message."""
    data: bytes = apply_mask(frame[HEADER_BYTES:], frame[2:HEADER_BYTES])
    assert type(data) is bytes
    return data


def masked(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


@given(st.binary(max_size=200))
def test_a_short_message_is_read_as_the_library_reads_it(data: bytes) -> None:
    frame = masked(Opcode.BINARY, data)
    assert is_short(frame) == (len(data) <= 125)
    if is_short(frame):
        assert payload(frame) == data
    for other in (
        masked(Opcode.TEXT, b""),
        masked(Opcode.BINARY, data[:100], fin=False),
        Frame(Opcode.BINARY, data[:100]).serialize(mask=False),
        masked(Opcode.PING, data[:100]),
    ):
        assert not is_short(other)


frames = st.lists(
    st.one_of(
        st.tuples(st.just(Opcode.BINARY), st.binary(max_size=140)),
        st.tuples(st.just(Opcode.TEXT), st.binary(max_size=20)),
        st.tuples(st.just(Opcode.PING), st.binary(max_size=20)),
        st.tuples(st.just(Opcode.BINARY), st.just(bytes(70_000))),
        st.tuples(st.just(Opcode.BINARY), st.binary(max_size=9).map(lambda d: masked_twice(d))),
    ),
    max_size=8,
)


def masked_twice(data: bytes) -> bytes:
    """Return content that looks like a frame itself."""
    return masked(Opcode.BINARY, data) + bytes(300)


@given(frames, st.lists(st.integers(1, 40), min_size=1, max_size=40), st.booleans())
def test_however_it_is_cut_the_frames_are_found(
    sent: list[tuple[Opcode, bytes]], cuts: list[int], fragments: bool
) -> None:
    stream = b""
    expected = []
    for index, (opcode, data) in enumerate(sent):
        if fragments and index % 2 and opcode is not Opcode.PING:
            stream += masked(opcode, data[:3], fin=False)
            stream += masked(Opcode.PING, b"amid")
            stream += masked(Opcode.CONT, data[3:])
        else:
            stream += masked(opcode, data)
            if opcode is Opcode.BINARY and len(data) <= 125:
                expected.append(data)
    splitter = Splitter()
    given_on, short, at, turn = b"", [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)] if turn < 200 else 10_000
        turn += 1
        for piece, is_message in splitter.split(stream[at : at + size]):
            given_on += piece
            if is_message:
                short.append(payload(piece))
        at += size
    assert given_on == stream, "nothing is lost or kept back"
    assert splitter.is_between
    # A short message that was cut is left to the library.
    assert all(message in expected for message in short)
    whole = Splitter()
    assert [payload(piece) for piece, ok in whole.split(stream) if ok] == expected
