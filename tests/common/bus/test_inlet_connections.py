"""Messages to inlets: the first ones are kept, and those that nobody takes are counted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zmq.asyncio

from fanlight_common.bus import inlet_connections
from fanlight_common.bus.inlet_connections import (
    CurrentInlet,
    InletConnections,
    InletState,
    _InletConnection,
    undelivered,
)
from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint, open_socket
from fanlight_common.process.settings import BusSettings
from tests.metrics import count
from tests.screenshot.fakes import until
from tests.tables import table


@pytest.fixture
async def network(bus_settings: BusSettings) -> AsyncIterator[BusNetwork]:
    network = BusNetwork(bus_settings, "gateway")
    yield network
    network.close(0)


def inlet(network: BusNetwork, endpoint: str) -> zmq.asyncio.Socket:
    socket = open_socket(network.context, SocketRole.INLET)
    socket.bind(endpoint)
    return socket


async def test_the_first_messages_arrive_in_order(
    network: BusNetwork, bus_settings: BusSettings
) -> None:
    endpoint = ipc_endpoint(bus_settings.runtime_dir, "capture", "inlet")
    socket = inlet(network, endpoint)
    inlets = InletConnections(network)
    inlets.acquire(endpoint)
    messages = [b"%d" % number for number in range(100)]
    assert all(inlets.tell(endpoint, message) for message in messages)
    assert [await socket.recv() for _ in messages] == messages


async def test_who_leaves_at_once_has_still_said_what_it_said(
    network: BusNetwork, bus_settings: BusSettings
) -> None:
    endpoint = ipc_endpoint(bus_settings.runtime_dir, "capture", "inlet")
    inlets = InletConnections(network)
    for number in range(3):
        inlets.acquire(endpoint)
        assert inlets.tell(endpoint, b"%d" % number)
        inlets.release(endpoint)
    # The process starts a little later, when nobody uses its inlet any more.
    socket = inlet(network, endpoint)
    assert [await socket.recv() for _ in range(3)] == [b"0", b"1", b"2"]
    await until(lambda: not inlets._connections)


async def test_what_nobody_takes_is_given_up_and_counted(
    network: BusNetwork, bus_settings: BusSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inlet_connections, "FIRST_S", 0.05)
    monkeypatch.setattr(inlet_connections, "MOST_WAITING", 2)
    endpoint = ipc_endpoint(bus_settings.runtime_dir, "nobody", "inlet")
    inlets = InletConnections(network)
    before = count(undelivered, to="inlet")
    assert [inlets.tell(endpoint, b"x") for _ in range(3)] == [True, True, False]
    assert count(undelivered, to="inlet") == before + 1
    await until(lambda: count(undelivered, to="inlet") == before + 3)
    # FIRST_S has passed, so every further message is refused at once.
    assert not inlets.tell(endpoint, b"x")
    inlets.disconnect(endpoint)
    assert not inlets._connections


async def test_no_more_bytes_wait_than_the_bound(
    network: BusNetwork, bus_settings: BusSettings
) -> None:
    endpoint = ipc_endpoint(bus_settings.runtime_dir, "nobody", "inlet")
    inlets = InletConnections(network)
    half = bytes(inlet_connections.MOST_WAITING_BYTES // 2)
    assert [inlets.tell(endpoint, half) for _ in range(3)] == [True, True, False]


async def test_a_process_that_is_gone_has_no_inlet(network: BusNetwork) -> None:
    assert not InletConnections(network).tell("", b"x")


async def test_a_peer_that_went_is_not_waited_for(
    network: BusNetwork, bus_settings: BusSettings, tmp_path: Path
) -> None:
    endpoint = ipc_endpoint(bus_settings.runtime_dir, "capture", "inlet")
    socket = inlet(network, endpoint)
    inlets = InletConnections(network)
    assert inlets.tell(endpoint, b"x")
    assert await socket.recv() == b"x"
    socket.close(linger=0)
    await until(lambda: not inlets.tell(endpoint, b"y"))


async def test_a_connection_that_fails_has_no_user(
    network: BusNetwork, bus_settings: BusSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets: list[zmq.Socket[bytes]] = []

    def connect(network: BusNetwork, socket: zmq.Socket[bytes], endpoint: str) -> None:
        sockets.append(socket)
        raise ZeroDivisionError("about this endpoint")

    first, second = (
        ipc_endpoint(bus_settings.runtime_dir, name, "inlet") for name in ("capture", "encoder")
    )
    inlets = InletConnections(network)
    inlet_of_one = CurrentInlet(inlets)
    inlet_of_one.move(first)
    with monkeypatch.context() as broken:
        broken.setattr(BusNetwork, "connect", connect)
        with pytest.raises(ZeroDivisionError):
            inlet_of_one.move(second)
    assert [socket.closed for socket in sockets] == [True]
    inlet_of_one.move("")
    assert not inlets._connections
    assert not inlets._users


ROWS = table(inlet_connections.__doc__, 4)


def test_the_table_has_each_state_and_no_row_twice() -> None:
    assert {row[0] for row in ROWS} == {state.name for state in InletState}
    assert len({(state, event) for state, event, *_ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("state", "event", "after", "becomes"), ROWS, ids=str)
async def test_the_table_and_the_code_agree(
    network: BusNetwork,
    bus_settings: BusSettings,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    event: str,
    after: str,
    becomes: str,
) -> None:
    now = 100.0
    monkeypatch.setattr(inlet_connections.clock, "now_s", lambda: now)
    endpoint = ipc_endpoint(bus_settings.runtime_dir, "capture", "inlet")
    connection = _InletConnection(network, endpoint, lambda: None)

    def has_peer() -> bool:
        return bool(int(connection._socket.getsockopt(zmq.EVENTS)) & zmq.POLLOUT)

    if state == "KEEPING":
        assert connection.send(b"first")
    if state == "SETTLED" or "no peer" not in event:
        peer = inlet(network, endpoint)
    if state == "SETTLED":
        await until(has_peer)
        assert connection.send(b"first")
        assert await peer.recv() == b"first"
    assert connection.state.name == state
    before = count(undelivered, to="inlet")
    if event == "sent, no peer any more":
        peer.close(linger=0)
        await until(lambda: not has_peer())
    elif event == "sent, a peer is there":
        await until(has_peer)
    elif "within FIRST_S" in event:
        now += inlet_connections.FIRST_S
    if event.startswith("sent"):
        assert connection.send(b"second") == (becomes != "refused")
    else:
        await until(lambda: connection.state is not InletState.KEEPING)
    assert connection.state.name == after
    match becomes:
        case "sent":
            assert await peer.recv() == (b"first" if state == "KEEPING" else b"second")
        case "kept":
            assert connection._waiting[-1] == b"second"
        case "given up":
            assert count(undelivered, to="inlet") == before + 1
        case "refused":
            assert not connection._waiting
        case _:
            pytest.fail(f"unknown outcome {becomes}")
    network.close(0)
