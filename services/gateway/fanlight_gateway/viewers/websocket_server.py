"""uvicorn's WebSocket connection, with what a viewer's connection needs to know of its socket.

What is sent is chosen when the socket has taken all that went before: video waits in the gate,
where it can be dropped, and a pong overtakes it. What arrives is handed on as it arrives. Both
without a task for each viewer: with hundreds of viewers, waking tasks was most of the work. Short
binary messages, acknowledgements and pings, are read here; all else is the library's.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # C where it was built

from fanlight_gateway.core.websocket_frames import HEADER_BYTES, Splitter, is_short


class Flow:
    """One connection's two directions."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.is_free = False
        """Does it take a frame now, past nothing that waits? Only between `open` and `shut`."""
        # Not a method of its own: it is called 30,000 times a second.
        self.send: Callable[[bytes], None] = transport.write
        """Sends what `framing` made. Only between other frames, that is: while it is drained."""
        self._transport = transport
        self._is_drained = True
        self._is_open = False
        self.on_message: Callable[[bytes | str], None] | None = None
        """Called with each message; while there is none, they wait for `receive`."""
        self.on_drained: Callable[[bool], None] = lambda _: None
        """Called with False when the kernel does not take all, with True when it has."""

    @property
    def is_drained(self) -> bool:
        """Does nothing wait in this process for the kernel to take it?"""
        return self._is_drained

    def open(self) -> None:
        """There is somebody who sends."""
        self._is_open = True
        self.is_free = self._is_drained

    def shut(self) -> None:
        """Nothing more goes past what waits."""
        self._is_open = self.is_free = False

    def is_closing(self) -> bool:
        """Is there no use in sending?"""
        return self._transport.is_closing()

    def abort(self) -> None:
        """End the connection now; what waits is lost."""
        self._transport.abort()

    def drained(self, is_drained: bool) -> None:
        """The protocol below tells."""
        self._is_drained = is_drained
        self.is_free = is_drained and self._is_open
        self.on_drained(is_drained)


class ViewerProtocol(WebSocketsSansIOProtocol):
    """Puts a Flow into the `state` of each connection's scope."""

    _flow: Flow | None = None
    _splitter: Splitter | None = None
    """From the end of the handshake on; None for good where something came before that."""
    _is_early = False
    _is_handed_over = False
    """Is all that came before with whom `on_message` belongs to?"""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The HTTP connection was upgraded."""
        super().connection_made(transport)
        stream = cast(asyncio.Transport, transport)
        self._flow = Flow(stream)
        # With 0 the transport tells of every byte that the kernel has not taken.
        stream.set_write_buffer_limits(high=0)
        self.app_state = {**self.app_state, "flow": self._flow}

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        if self._flow is not None:
            self._flow.shut()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes have come. The library gets whole frames, so that it always is between two."""
        splitter = self._splitter
        if splitter is None:
            if self.handshake_complete and not self._is_early:
                splitter = self._splitter = Splitter()
            else:
                self._is_early = self.handshake_initiated
                super().data_received(data)
                return
        if splitter.is_between and is_short(data):  # nearly always
            self._short(data)
            return
        for piece, short in splitter.split(data):
            if short:
                self._short(piece)
            else:
                super().data_received(piece)

    def _short(self, frame: bytes) -> None:
        take = self._flow.on_message if self._flow is not None else None
        if take is None or self.close_sent:
            super().data_received(frame)
            return
        if not self._is_handed_over:
            # Whoever has not been handed the earlier ones is not to get this one before.
            if not self.queue.empty():
                super().data_received(frame)
                return
            self._is_handed_over = True
        take(apply_mask(frame[HEADER_BYTES:], frame[2:HEADER_BYTES]))

    def send_receive_event_to_app(self) -> None:
        """A message has come."""
        take = self._flow.on_message if self._flow is not None else None
        # Whoever has not been handed the earlier ones is not to get this one before.
        if take is None or self.close_sent or not self.queue.empty():
            super().send_receive_event_to_app()
            return
        frames, self.frames = self.frames, []
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        if self.curr_msg_data_type == "bytes":
            take(bytes(data))
            return
        try:
            text = bytes(data).decode()
        except UnicodeDecodeError:
            self.conn.send_close(1007)
            self.handle_parser_exception()
        else:
            take(text)

    def pause_writing(self) -> None:
        """The kernel does not take all."""
        super().pause_writing()
        if self._flow is not None:
            self._flow.drained(False)

    def resume_writing(self) -> None:
        """It has taken all."""
        super().resume_writing()
        if self._flow is not None:
            self._flow.drained(True)
