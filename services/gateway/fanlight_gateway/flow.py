"""uvicorn's WebSocket connection, with what a sender needs to know of its socket.

A sender that waits until the socket has taken everything, and only then chooses what goes next,
keeps the choice: video waits in the gate, where it can be dropped, and a pong overtakes it.
"""

import asyncio
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Flow:
    """One connection's way out."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.drained = asyncio.Event()
        """Set while nothing waits in this process for the kernel to take it."""
        self.drained.set()

    def is_closing(self) -> bool:
        """Is there no use in sending?"""
        return self._transport.is_closing()

    def abort(self) -> None:
        """End the connection now; what waits is lost."""
        self._transport.abort()


class ViewerProtocol(WebSocketsSansIOProtocol):
    """Puts a Flow into the `state` of each connection's scope."""

    _flow: Flow | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The HTTP connection was upgraded."""
        super().connection_made(transport)
        stream = cast(asyncio.Transport, transport)
        self._flow = Flow(stream)
        # With 0 the transport tells of every byte that the kernel has not taken.
        stream.set_write_buffer_limits(high=0)
        self.app_state = {**self.app_state, "flow": self._flow}

    def pause_writing(self) -> None:
        """The kernel does not take all."""
        super().pause_writing()
        if self._flow is not None:
            self._flow.drained.clear()

    def resume_writing(self) -> None:
        """It has taken all."""
        super().resume_writing()
        if self._flow is not None:
            self._flow.drained.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody has to wait any more."""
        super().connection_lost(exc)
        if self._flow is not None:
            self._flow.drained.set()
