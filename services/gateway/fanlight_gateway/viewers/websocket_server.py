"""The server's end of a WebSocket: uvicorn's protocol class, with what a viewer's transport needs.

Lives on the worker's loop. Drops nothing.

The class adds two things to uvicorn's class. It tells at once whether the kernel takes all that was
written, so that what is sent next is chosen as late as possible. And it hands messages on as they
arrive. Neither needs a task for each viewer; with hundreds of viewers, waking tasks was most of the
work. The class reads short binary messages (acknowledgements and pings) itself, because each of
them costs as much in the library as sending a unit. The library does everything else.

This is the one file of the gateway that knows uvicorn and websockets. (How a service runs uvicorn's
server is another matter, in `fanlight_common.process.uvicorn_server`.) The public `uvicorn.Config`
takes a protocol class as `ws`, and documents `websockets-sansio` as a choice. No underscored
name is used, but neither library documents these:

- `WebSocketsSansIOProtocol`, which is that choice, and where it stands;
- its methods `data_received`, which takes bytes cut anywhere, and `send_receive_event_to_app`,
  which it calls once for each whole message, in `frames`, of the kind `curr_msg_data_type`;
- its `queue` of messages for the application, its `conn` and `handle_parser_exception` for text
  that is not UTF-8, and its flags `handshake_initiated`, `handshake_complete` and `close_sent`;
- its `app_state`, which becomes `state` in the scope, and its `transport`;
- `websockets.frames.apply_mask`.

pyproject.toml has upper bounds for both libraries, and
tests/gateway/viewers/test_websocket_server.py fails if one of these names changes, or if the class
uses another one.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # in C, if that was built

from fanlight_gateway.core.websocket_frames import HEADER_BYTES, Splitter, is_short


class ViewerWebSocketProtocol(WebSocketsSansIOProtocol):
    """One connection. The application finds it as `connection` in the `state` of its scope."""

    write: Callable[[bytes], None]
    """Writes a whole frame. It is the socket's own method, because it is called 30,000 times a
    second."""
    is_drained = True
    """Has the kernel taken everything that was written?"""
    on_message: Callable[[bytes | str], None] | None = None
    """Called with each message. While it is None, messages wait for the ASGI `receive`."""
    on_drained: Callable[[bool], None] | None = None
    """Called with True when the kernel has taken everything, and with False when it does not take
    everything, or when the connection is lost."""
    _splitter: Splitter | None = None
    """Set at the end of the handshake. If bytes came before that, it stays None for good."""
    _is_early = False
    """Did bytes come between the request and the end of the handshake?"""
    _is_handed_over = False
    """Has everything that came before `on_message` was set been received by the application?"""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, because the HTTP connection was upgraded."""
        super().connection_made(transport)
        stream = cast(asyncio.Transport, transport)
        self.write = stream.write
        # With 0, the socket's transport tells of every byte that the kernel has not taken.
        stream.set_write_buffer_limits(high=0)
        self.app_state = {**self.app_state, "connection": self}

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection has ended, so that nothing is taken any more."""
        self._drained(False)
        super().connection_lost(exc)

    def abort(self) -> None:
        """End the connection now. What waits to be written is lost."""
        self.transport.abort()

    def is_closing(self) -> bool:
        """Has the connection ended, or begun to?"""
        return self.transport.is_closing()

    def data_received(self, data: bytes) -> None:
        """Take bytes that have come. They are cut where frames end, so that short messages can be
        read here and the library reads the others."""
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
        take = self.on_message
        if take is None or self.close_sent:
            super().data_received(frame)
            return
        if not self._is_handed_over:
            # Messages keep their order: this one waits behind those that were not received yet.
            if not self.queue.empty():
                super().data_received(frame)
                return
            self._is_handed_over = True
        take(apply_mask(frame[HEADER_BYTES:], frame[2:HEADER_BYTES]))

    def send_receive_event_to_app(self) -> None:
        """Hand on a message that is complete. It is in `frames`, and is of the kind
        `curr_msg_data_type`."""
        take = self.on_message
        # Messages keep their order: this one waits behind those that were not received yet.
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
        """Note that the kernel does not take everything."""
        super().pause_writing()
        self._drained(False)

    def resume_writing(self) -> None:
        """Note that the kernel has taken everything."""
        super().resume_writing()
        self._drained(True)

    def _drained(self, is_drained: bool) -> None:
        self.is_drained = is_drained
        if self.on_drained is not None:
            self.on_drained(is_drained)
