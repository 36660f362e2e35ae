"""Members of a bus over tcp, and how tests wait for them."""

import asyncio
import contextlib
from collections.abc import Callable

import zmq
import zmq.asyncio

from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.process.settings import BusSettings


async def until(condition: Callable[[], object], limit_s: float = 15) -> None:
    """Wait until a condition holds. Raises TimeoutError after `limit_s` seconds."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - something else makes it true
            await asyncio.sleep(0.01)


class Keeping(BusNetwork):
    """Keeps a reference to each of its sockets until it is closed, because tests drop theirs."""

    def __init__(self, settings: BusSettings, kind: str) -> None:
        self.kept: list[zmq.asyncio.Socket] = []
        super().__init__(settings, kind)

    def open(self, role: SocketRole) -> zmq.asyncio.Socket:
        self.kept.append(super().open(role))
        return self.kept[-1]


class Party:
    """A member of a bus, which runs."""

    def __init__(self, settings: BusSettings, kind: str) -> None:
        self.transport = Keeping(settings, kind)
        self.running = asyncio.create_task(self.transport.run())

    async def close(self) -> None:
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.running
        self.transport.close(0)


Make = Callable[[BusSettings, str], BusNetwork]


def listen(transport: BusNetwork, endpoint: str) -> zmq.asyncio.Socket:
    """Return a socket that is subscribed to `unit` at an endpoint."""
    socket = transport.open(SocketRole.UNITS)
    socket.subscribe(b"unit")
    transport.connect(socket, endpoint)
    return socket
