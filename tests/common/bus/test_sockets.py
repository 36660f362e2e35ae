"""What is opened for the bus is closed if the next step fails."""

from pathlib import Path

import pytest
import zmq
import zmq.asyncio
import zmq.auth.asyncio

from fanlight_common.bus import curve_keys
from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole, open_socket
from fanlight_common.process.settings import BusSettings


async def test_a_socket_whose_options_fail_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    context = zmq.asyncio.Context()
    made: list[zmq.Socket[bytes]] = []

    def refuse(socket: zmq.Socket[bytes], value: int) -> None:
        made.append(socket)
        raise zmq.ZMQError(zmq.EINVAL)

    monkeypatch.setattr(zmq.asyncio.Socket, "set_hwm", refuse)
    with pytest.raises(zmq.ZMQError):
        open_socket(context, SocketRole.UNITS)
    assert [socket.closed for socket in made] == [True]
    context.term()


async def test_a_network_that_cannot_be_joined_leaves_no_context(
    bus_settings: BusSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts: list[zmq.asyncio.Context] = []
    original = zmq.asyncio.Context

    def context() -> zmq.asyncio.Context:
        contexts.append(original())
        return contexts[-1]

    def fail(*_: object) -> None:
        raise ZeroDivisionError("no authenticator")

    keys = tmp_path / "keys"
    curve_keys.create(keys)
    settings = bus_settings.model_copy(
        update={"bus_directory": "tcp://127.0.0.1:1", "bus_keys": keys}
    )
    monkeypatch.setattr(zmq.asyncio, "Context", context)
    monkeypatch.setattr(zmq.auth.asyncio.AsyncioAuthenticator, "start", fail)
    with pytest.raises(ZeroDivisionError):
        BusNetwork(settings, "directory")
    assert [context.closed for context in contexts] == [True]
