"""Opens every ZeroMQ socket of fanlight: the topology of the bus, in one table.

A worker binds an outlet (XPUB) and an inlet (PULL). It connects SUB sockets to the outlets of
others, and PUSH sockets to their inlets. A socket lives on the loop of the context that it is
opened with.

What is dropped: if a subscriber does not keep up with an outlet, ZeroMQ drops the newest message
and tells nobody. Therefore units and events are numbered, and the subscriber conflates frames. At
an inlet nothing is dropped: a PUSH without a peer, or with a full queue, refuses the message
(zmq.Again), and its sender counts it.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import zmq
import zmq.asyncio

from fanlight_common.core.errors import ConfigurationError

MAX_INLET_BYTES = 2 << 20
_LONGEST_IPC_PATH = 107  # sun_path has 108 bytes, one of them for the zero at its end


@dataclass(frozen=True, slots=True)
class _Spec:
    type: int
    high_water_mark: int
    """Messages in each direction, for each peer."""
    conflate: bool = False
    max_bytes: int = -1


class SocketRole(Enum):
    """What a socket is for. This is the table of the whole bus."""

    # A conflating subscriber empties its pipe at once, so a deep queue would only hide a slow link.
    CAPTURE_OUTLET = _Spec(zmq.XPUB, 4)
    # These are 4 s at 60 units a second. A gateway that lags so far has long said that it has no
    # room, and the encoder skips pictures.
    ENCODER_OUTLET = _Spec(zmq.XPUB, 256)
    DIRECTORY_OUTLET = _Spec(zmq.XPUB, 10_000)
    INLET = _Spec(zmq.PULL, 10_000, max_bytes=MAX_INLET_BYTES)
    FRAMES = _Spec(zmq.SUB, 1, conflate=True)
    UNITS = _Spec(zmq.SUB, 256)
    EVENTS = _Spec(zmq.SUB, 256)
    RECORDS = _Spec(zmq.SUB, 10_000)
    TELL = _Spec(zmq.PUSH, 10_000)


class BusSocket(zmq.asyncio.Socket):
    """A socket whose receiving waits, whatever happens to its connections meanwhile.

    pyzmq looks whether there is a message, and then takes it. If the message's connection ends in
    between, the message is gone, and pyzmq would raise zmq.Again in a task that only waits.
    """

    async def recv(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # awaitable too
        """Wait for the next message and return it."""
        while True:
            self._want_open()
            try:
                return await super().recv(*args, **kwargs)
            except zmq.Again:
                await asyncio.sleep(0)

    async def recv_multipart(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # same
        """Wait for the next message and return its parts."""
        while True:
            self._want_open()
            try:
                return await super().recv_multipart(*args, **kwargs)
            except zmq.Again:
                await asyncio.sleep(0)

    def _want_open(self) -> None:
        # The socket may have been closed before a task came to receive from it. pyzmq would then
        # ask libzmq about memory that may have another owner by now, and wait for ever, or fail.
        if self.closed:
            raise zmq.ZMQError(zmq.ENOTSOCK)


def open_socket(context: zmq.asyncio.Context, role: SocketRole) -> zmq.asyncio.Socket:
    """Return an unconnected socket for `role`. The caller closes it."""
    spec = role.value
    socket: zmq.asyncio.Socket = context.socket(spec.type, BusSocket)
    with closed_on_error(socket):
        socket.set_hwm(spec.high_water_mark)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, spec.max_bytes)
        socket.setsockopt(zmq.RECONNECT_IVL, 50)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        if spec.conflate:
            socket.setsockopt(zmq.CONFLATE, 1)
        if spec.type == zmq.XPUB:
            # Report every subscription, even to a topic that has subscribers already, so that a new
            # subscriber can be sent the present value.
            socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        if spec.type == zmq.PUSH:
            # Queue messages only for a peer that is connected, and refuse them otherwise.
            socket.setsockopt(zmq.IMMEDIATE, 1)
    return socket


@contextlib.contextmanager
def closed_on_error(socket: zmq.Socket[Any]) -> Iterator[None]:
    """Close `socket` if the block raises, because nobody would have it then."""
    try:
        yield
    except BaseException:
        socket.close(linger=0)
        raise


def ipc_endpoint(runtime_dir: Path, id_: str, name: str) -> str:
    """Return the endpoint of a process's `outlet` or `inlet`.

    Raises ConfigurationError if the path is longer than the system allows.
    """
    path = str(runtime_dir / f"{id_}.{name}")
    if len(path.encode()) > _LONGEST_IPC_PATH:
        raise ConfigurationError(f"FANLIGHT_RUNTIME_DIR is too long for a socket: {path}")
    return f"ipc://{path}"
