"""Hands over the messages of a socket of the bus as they arrive.

Lives on the worker's loop. Drops nothing. A callback of the socket's descriptor takes all waiting
messages, so that no task is woken and no future created for each message: those cost more than most
messages do.

ZeroMQ's descriptor becomes readable once when something has happened, and not again until
everything that happened has been looked at. Sending on the same socket, or connecting it, looks
too. Therefore a socket that is read here is sent on by `send` alone, and after any other call on
the socket its user calls `look_soon`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import zmq

_SMALL_BYTES = 65536
BATCH = 256
"""So many messages are taken before the loop's other callbacks have their turn."""


class Receiver:
    """One socket's incoming messages: `take` is called with each, or with the list of its parts."""

    def __init__(
        self,
        socket: zmq.Socket[Any],
        take: Callable[[Any], None],
        *,
        multipart: bool = False,
        looked: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Nobody else may receive from `socket`. `looked` is called after each look at it, with the
        answer to: was every waiting message taken?"""
        self._socket = socket
        self._plain: zmq.Socket[bytes] = zmq.Socket.shadow(socket)
        self._receive: Callable[[int], Any] = (
            self._plain.recv_multipart if multipart else self._plain.recv
        )
        self._take = take
        self._looked = looked
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._descriptor = -1
        self._later: asyncio.Handle | None = None

    async def run(self) -> None:
        """Hand over messages until cancelled or closed. Raises what `take` and `looked` raise."""
        if self._socket.closed:
            return
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._descriptor = int(self._plain.getsockopt(zmq.FD))
        self._loop.add_reader(self._descriptor, self._look)
        # The descriptor has told of earlier messages already.
        self.look_soon()
        try:
            await self._ended
        finally:
            self._leave()

    def close(self) -> None:
        """Take no more, and close the socket."""
        # Before the socket closes, because another socket may get the descriptor's number at once.
        self._leave()
        self._socket.close(linger=0)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def look_soon(self) -> None:
        """Look at the socket in the loop's next turn, because something was done with it."""
        if self._loop is not None and self._later is None:
            self._later = self._loop.call_soon(self._look)

    def send(self, *parts: bytes) -> None:
        """Send a message on the same socket, which must be one that refuses none (XPUB)."""
        if len(parts) == 1:
            # ZeroMQ copies a small message faster than it keeps a reference to it.
            self._plain.send(parts[0], zmq.DONTWAIT, copy=len(parts[0]) < _SMALL_BYTES)
        else:
            self._plain.send_multipart(parts, zmq.DONTWAIT)
        if self._later is None and int(self._plain.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self.look_soon()

    def pause(self, seconds: float) -> None:
        """Look again after so many seconds, at all that has arrived by then."""
        if self._loop is not None:
            self._loop.remove_reader(self._descriptor)
            if self._later is not None:
                self._later.cancel()
            self._later = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        assert self._loop is not None
        self._loop.add_reader(self._descriptor, self._look)
        self._look()

    def _look(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        try:
            self._looked(self._take_all())
        except Exception as error:  # noqa: BLE001 - `run` raises it; the loop would only log it
            if self._ended is not None and not self._ended.done():
                self._ended.set_exception(error)

    def _take_all(self) -> bool:
        try:
            for _ in range(BATCH):
                if self._socket.closed:  # by what was just taken
                    return True
                self._take(self._receive(zmq.DONTWAIT))
        except zmq.Again:
            return True
        self.look_soon()
        return False

    def _leave(self) -> None:
        if self._loop is not None:
            self._loop.remove_reader(self._descriptor)
            if self._later is not None:
                self._later.cancel()
                self._later = None
            self._loop = None
