"""Frames as a server sends them, as a client's library reads them."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from fanlight_gateway.framing import framed


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
