"""Hands over the messages of a socket of the bus as they arrive.

Lives on the worker's loop. Drops nothing. The loop calls `_look` when the socket's descriptor is
readable. `_look` takes all messages itself, because a task for each message costs more than most
messages do.

The descriptor tells of new messages once, and sending or connecting on the socket uses that signal
up. Therefore send only by `send`, and call `look_soon` after any other call on the socket;
otherwise a message would wait unseen.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import zmq

_SMALL_BYTES = 65536
BATCH = 256
"""The most messages that are taken before the loop's other callbacks have their turn."""


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
        """Nobody else may receive from `socket`.

        `looked` is called after each look at the socket, with True if no message waits any more.
        """
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
        # This looks once now, because the descriptor does not report messages that came earlier.
        self.look_soon()
        try:
            await self._ended
        finally:
            self._leave()

    def close(self) -> None:
        """Take no more, and close the socket."""
        # The loop lets go of the descriptor before the socket closes, because another socket may
        # get the descriptor's number at once.
        self._leave()
        self._socket.close(linger=0)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def look_soon(self) -> None:
        """Look at the socket in the loop's next turn, because the caller has used it."""
        if self._loop is not None and self._later is None:
            self._later = self._loop.call_soon(self._look)

    def send(self, *parts: bytes) -> None:
        """Send a message on the same socket, which must be one that refuses no message (XPUB).

        Senders use this, because sending uses up the descriptor's signal for messages that have
        come.
        """
        if len(parts) == 1:
            # ZeroMQ takes less time to copy a small message than to keep a reference to it.
            self._plain.send(parts[0], zmq.DONTWAIT, copy=len(parts[0]) < _SMALL_BYTES)
        else:
            self._plain.send_multipart(parts, zmq.DONTWAIT)
        if self._later is None and int(self._plain.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self.look_soon()

    def pause(self, seconds: float) -> None:
        """Wait `seconds`, then take all messages that have arrived by then."""
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
                if self._socket.closed:  # taking a message may have closed it
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
