"""The WebSocket transport: one connection, from the handshake to the close code.

Lives on the worker's loop. Once the viewer has said hello, its messages are handed to it as they
arrive, and what it sends is written at once. No task runs for either. The connection's own task
only waits until either side ends the connection. Drops nothing. Only this module and
`websocket_server` know WebSocket frames.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from fanlight_common.process import clock
from fanlight_common.protocol import control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.core.websocket_frames import framed
from fanlight_gateway.viewers.admission import (
    FOREIGN_ORIGIN,
    NotAdmittedError,
    admit,
    read_hello,
    welcome,
)
from fanlight_gateway.viewers.transport_host import TransportHost
from fanlight_gateway.viewers.viewer import Viewer
from fanlight_gateway.viewers.websocket_server import ViewerWebSocketProtocol

log = logging.getLogger(__name__)
CLOSE_LIMIT_S = 0.3
"""How long, in seconds, a close may wait for a socket that takes nothing. Then the connection is
cut."""


class WebSocketTransport:
    """One WebSocket. See `transport.Transport`."""

    name = "websocket"
    carries_video = True
    encode_unit = staticmethod(framed)

    def __init__(self, websocket: WebSocket, gateway: TransportHost) -> None:
        self.is_writable = False
        self._websocket = websocket
        self._gateway = gateway
        self._protocol: ViewerWebSocketProtocol = websocket.scope["state"]["connection"]
        # The socket's own method, with nothing of ours around it.
        self.send_unit: Callable[[bytes], None] = self._protocol.write
        self._viewer: Viewer | None = None
        self._is_open = False
        """May the viewer be sent messages? True from its hello until the connection begins to
        end."""
        self._closing: asyncio.Future[tuple[CloseCode, str]] = asyncio.Future()
        self._stalled_at = 0.0
        """Since when the kernel has not taken everything (clock.now_s)."""
        self._stall: asyncio.TimerHandle | None = None
        """The timer that closes the connection. It runs while the kernel does not take
        everything."""

    def send(self, message: bytes | str) -> None:
        """Write a message in one frame. Only while `is_writable`."""
        self.send_unit(framed(message))

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection with this code. Only the first call counts."""
        if not self._closing.done():
            self._closing.set_result((code, reason))
        self._shut()
        if self._protocol.on_message is not None:
            self._protocol.on_message = lambda _: None  # the viewer gets no message any more

    async def serve(self, desk: str) -> None:
        """Serve the connection until the viewer or the gateway ends it."""
        if not self._gateway.auth.same_site(self._websocket):
            metrics.rejected.labels("forbidden_origin").inc()
            # The handshake is accepted all the same, because a browser does not tell its page why a
            # handshake was refused, and the page would connect again for ever. Only the reason is
            # sent.
            await self._websocket.accept()
            await self._websocket.close(CloseCode.FORBIDDEN, FOREIGN_ORIGIN)
            return
        await self._websocket.accept()
        self._gateway.add_transport(self)
        try:
            await self._converse(desk)
            if self._closing.done():
                await self._say_goodbye(*self._closing.result())
        finally:
            self._gateway.remove_transport(self)

    async def _converse(self, desk: str) -> None:
        """Serve the viewer until either side ends the connection."""
        talk = asyncio.ensure_future(self._talk(desk))
        ends: set[asyncio.Future[Any]] = {talk, self._closing}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            talk.cancel()
            # Not awaited itself, because its CancelledError could not be told from our own.
            await asyncio.wait({talk})
            error = None if talk.cancelled() else talk.exception()
            if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
                self._failed(error)
            elif error is not None and not isinstance(error, WebSocketDisconnect):
                raise error

    async def _talk(self, desk: str) -> None:
        try:
            grant, record = await admit(self._gateway, self._websocket, desk)
            await self._websocket.send_text(welcome(self._gateway, grant, record).encode())
            hello = await self._hello()
        except NotAdmittedError as refused:
            self.close(refused.code, refused.reason)
            return
        if hello is None:
            return
        viewer = self._viewer = self._gateway.add_viewer(hello, grant, record, self)
        protocol = self._protocol
        try:
            self._is_open = not self._closing.done()
            protocol.on_drained = self._on_drained
            self._on_drained(protocol.is_drained)
            # Messages that came together with the hello wait in the queue. The viewer gets them
            # first, and after them those that arrive meanwhile.
            protocol.on_message = viewer.handle
            while (message := await self._next_message()) is not None:
                if not self._closing.done():
                    viewer.handle(message)
        finally:
            self._shut()
            protocol.on_message = None
            protocol.on_drained = None
            self._stop_stall()
            self._gateway.remove_viewer(viewer)

    async def _hello(self) -> control.Hello | None:
        """Return the viewer's first message. None if the viewer has gone. Raises
        NotAdmittedError."""
        try:
            async with asyncio.timeout(self._gateway.limits.transport.hello_timeout_s):
                message = await self._next_message()
        except TimeoutError:
            raise NotAdmittedError(CloseCode.BAD_MESSAGE, "no hello in time") from None
        return None if message is None else read_hello(message)

    async def _next_message(self) -> bytes | str | None:
        """Wait for the next message. Returns None if the viewer has gone."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            return None
        text: str | None = event.get("text")
        data: bytes | None = event.get("bytes")
        return text if text is not None else data

    def _shut(self) -> None:
        self._is_open = self.is_writable = False

    def _on_drained(self, is_drained: bool) -> None:
        self.is_writable = is_drained and self._is_open
        if is_drained:
            if self._stall is not None:
                metrics.socket_seconds.observe(clock.now_s() - self._stalled_at)
            self._stop_stall()
            if self._viewer is not None:
                self._viewer.flush()
        elif self._stall is None:
            self._stalled_at = clock.now_s()
            self._stall = asyncio.get_running_loop().call_later(
                self._gateway.limits.transport.slow_timeout_s,
                self.close,
                CloseCode.SLOW,
                "the viewer does not read",
            )

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _failed(self, error: Exception) -> None:
        """End this connection, and no other, because something here raised `error`."""
        if self._viewer is not None:
            self._viewer.failed(error)
        else:
            metrics.failed.inc()
            log.error("event=viewer_failed desk=none viewer=none", exc_info=error)
            self.close(CloseCode.FAILED, "an error at the gateway; come back")

    async def _say_goodbye(self, code: CloseCode, reason: str) -> None:
        metrics.closed.labels(code.name).inc()
        # Without a viewer the desk is not logged, because the name in the request may be anything.
        who = ("none", "none") if self._viewer is None else (self._viewer.desk, self._viewer.id)
        log.info("event=viewer_closed desk=%s viewer=%s code=%d reason=%r", *who, code, reason)
        if self._protocol.is_closing():
            return
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._websocket.close(code, _shortened(reason))
        except TimeoutError:
            self._protocol.abort()
        except WebSocketDisconnect:
            pass


def _shortened(reason: str) -> str:
    """Shorten the reason, because a close frame has room for 123 bytes."""
    return reason.encode()[:120].decode(errors="ignore")
