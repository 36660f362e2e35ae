"""One WebSocket: from the handshake to the close code. The shell around a Viewer.

Two tasks: one hands every message to the viewer, the other sends what the viewer has, one message
at a time, each chosen when the socket has taken the one before. The first that ends, or a close
from anywhere, ends the connection.
"""

import asyncio
import logging
import time
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from fanlight_common import clock
from fanlight_common.protocol import control
from fanlight_common.protocol.public import CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.admission import (
    FOREIGN_ORIGIN,
    RefusedError,
    Visit,
    admit,
    read_hello,
    welcome,
)
from fanlight_gateway.flow import Flow
from fanlight_gateway.gateway import Gateway
from fanlight_gateway.viewer import Viewer

log = logging.getLogger(__name__)
CLOSE_LIMIT_S = 0.3
"""How long a close may wait for a socket that takes nothing; then the connection is cut."""


class Connection:
    """Serves one WebSocket."""

    def __init__(self, websocket: WebSocket, gateway: Gateway) -> None:
        self.viewer: Viewer | None = None
        self._websocket = websocket
        self._gateway = gateway
        self._flow: Flow = websocket.scope["state"]["flow"]
        self._closing: asyncio.Future[tuple[CloseCode, str]] = asyncio.Future()

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection with this code; the first one counts."""
        if not self._closing.done():
            self._closing.set_result((code, reason))

    def tick(self) -> None:
        """Several times a second."""
        if self.viewer is None:
            return
        self.viewer.tick()
        if time.time() >= self.viewer.grant.expires_at:
            self.close(CloseCode.UNAUTHORIZED, "token has expired")

    async def serve(self, desk: str) -> None:
        """Until the viewer or the gateway ends it."""
        if not self._gateway.auth.same_site(self._websocket):
            metrics.rejected.labels("forbidden_origin").inc()
            # Accepted first: a refused handshake tells a browser nothing, and its viewer would come
            # back for ever. Nothing is sent but why.
            await self._websocket.accept()
            await self._websocket.close(CloseCode.FORBIDDEN, FOREIGN_ORIGIN)
            return
        await self._websocket.accept()
        self._gateway.enter(self)
        try:
            await self._converse(desk)
            if self._closing.done():
                await self._say_goodbye(*self._closing.result())
        finally:
            self._gateway.leave(self)

    async def _converse(self, desk: str) -> None:
        """Until somebody ends it."""
        talk = asyncio.ensure_future(self._talk(desk))
        ends: set[asyncio.Future[Any]] = {talk, self._closing}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            talk.cancel()
            # Not awaited itself: its CancelledError could not be told from our own.
            await asyncio.wait({talk})
            error = None if talk.cancelled() else talk.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect):
                raise error

    async def _talk(self, desk: str) -> None:
        try:
            grant, record = await admit(self._gateway, self._websocket, desk)
            await self._websocket.send_text(welcome(self._gateway, grant, record).encode())
            hello = await self._hello()
        except RefusedError as refused:
            self.close(refused.code, refused.reason)
            return
        if hello is None:
            return
        visit = Visit(self._gateway, self, hello, grant, record)
        self.viewer = visit.viewer
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(self._send(self.viewer))
                await self._receive(self.viewer)
                sender.cancel()
        except* WebSocketDisconnect:
            pass
        finally:
            visit.end()

    async def _hello(self) -> control.Hello | None:
        """The viewer's first message; None: it has gone. Raises RefusedError."""
        try:
            async with asyncio.timeout(self._gateway.settings.hello_timeout_s):
                message = await self._next_message()
        except TimeoutError:
            raise RefusedError(CloseCode.BAD_MESSAGE, "no hello in time") from None
        return None if message is None else read_hello(message)

    async def _receive(self, viewer: Viewer) -> None:
        while not self._closing.done():
            message = await self._next_message()
            if message is None:
                return
            viewer.handle(message)

    async def _next_message(self) -> bytes | str | None:
        """None: the viewer has gone."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            return None
        text: str | None = event.get("text")
        data: bytes | None = event.get("bytes")
        return text if text is not None else data

    async def _send(self, viewer: Viewer) -> None:
        while True:
            if not self._flow.drained.is_set():
                began_at = clock.now_s()
                try:
                    async with asyncio.timeout(self._gateway.settings.slow_timeout_s):
                        await self._flow.drained.wait()
                except TimeoutError:
                    self.close(CloseCode.SLOW, "the viewer does not read")
                    return
                metrics.socket_seconds.observe(clock.now_s() - began_at)
            viewer.wake.clear()
            message = viewer.next_message()
            if message is None:
                await viewer.wake.wait()
            elif self._flow.is_closing():
                return
            elif isinstance(message, str):
                await self._websocket.send_text(message)
            else:
                await self._websocket.send_bytes(message)

    async def _say_goodbye(self, code: CloseCode, reason: str) -> None:
        metrics.closed.labels(code.name).inc()
        # Without a viewer nothing is known of either: what was asked for may be anything.
        who = ("none", "none") if self.viewer is None else (self.viewer.desk, self.viewer.id)
        log.info("event=viewer_closed desk=%s viewer=%s code=%d reason=%r", *who, code, reason)
        if self._flow.is_closing():
            return
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._websocket.close(code, _shortened(reason))
        except TimeoutError:
            self._flow.abort()
        except WebSocketDisconnect:
            pass


def _shortened(reason: str) -> str:
    """A close frame has room for 123 bytes."""
    return reason.encode()[:120].decode(errors="ignore")
