"""One connection to one encoder: if anything fails while it is made, nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import zmq.asyncio

from fanlight_common.bus.encoder_connection import EncoderConnection
from fanlight_common.bus.inlet_connections import InletConnections
from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint
from fanlight_common.core.idr_requests import IdrRequestLimits, IdrRequests
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus
from fanlight_common.service.worker import Worker


class Sockets:
    """Every socket of a role that the process has opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, role: SocketRole) -> None:
        self.opened: list[zmq.asyncio.Socket] = []
        original = BusNetwork.open

        def open_(network: BusNetwork, wanted: SocketRole) -> zmq.asyncio.Socket:
            socket = original(network, wanted)
            if wanted is role:
                self.opened.append(socket)
            return socket

        monkeypatch.setattr(BusNetwork, "open", open_)


@pytest.fixture
async def worker(bus_settings: BusSettings) -> AsyncIterator[Worker]:
    worker = Worker("gateway", bus_settings, None)
    yield worker
    worker.close()


@pytest.fixture
def lease(bus_settings: BusSettings) -> bus.LeaseRecord:
    outlet, inlet = (
        ipc_endpoint(bus_settings.runtime_dir, "e1", name) for name in ("outlet", "inlet")
    )
    return bus.LeaseRecord("main/high", True, "e1", "e1-1", outlet, inlet, 1, 0)


def connect(
    worker: Worker, inlets: InletConnections, group: asyncio.TaskGroup, lease: bus.LeaseRecord
) -> EncoderConnection:
    return EncoderConnection(
        worker,
        inlets,
        group,
        lease,
        IdrRequests(IdrRequestLimits()),
        on_unit=lambda *_: None,
        on_refused=lambda: None,
        failed=lambda _: None,
    )


async def test_a_group_that_is_ending_gets_no_connection(
    worker: Worker, lease: bus.LeaseRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    inlets, sockets = InletConnections(worker.network), Sockets(monkeypatch, SocketRole.UNITS)
    async with asyncio.TaskGroup() as group:
        pass
    with pytest.raises(RuntimeError):
        connect(worker, inlets, group, lease)
    assert [socket.closed for socket in sockets.opened] == [True]
    assert not inlets._connections


async def test_an_inlet_that_fails_closes_the_units_socket(
    worker: Worker, lease: bus.LeaseRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    inlets, sockets = InletConnections(worker.network), Sockets(monkeypatch, SocketRole.UNITS)

    def acquire(inlets: InletConnections, endpoint: str) -> None:
        raise ZeroDivisionError("about this inlet")

    monkeypatch.setattr(InletConnections, "acquire", acquire)
    async with asyncio.TaskGroup() as group:
        with pytest.raises(ZeroDivisionError):
            connect(worker, inlets, group, lease)
    assert [socket.closed for socket in sockets.opened] == [True]
