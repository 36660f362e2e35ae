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

from fanlight_common.errors import ProtocolError, TokenError
from fanlight_common.names import check_name
from fanlight_common.protocol import bus, control
from fanlight_common.protocol.public import PROTOCOL_VERSION, CloseCode
from fanlight_common.tokens import Grant
from fanlight_gateway import metrics
from fanlight_gateway.flow import Flow
from fanlight_gateway.gateway import Gateway
from fanlight_gateway.viewer import Viewer

log = logging.getLogger(__name__)
CLOSE_LIMIT_S = 0.3
"""How long a close may wait for a socket that takes nothing; then the connection is cut."""

_FOREIGN_ORIGIN = "pages of other sites may not connect (FANLIGHT_GATEWAY_ALLOWED_ORIGINS)"


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
        """Once a second."""
        if self.viewer is not None and time.time() >= self.viewer.grant.expires_at:
            self.close(CloseCode.UNAUTHORIZED, "token has expired")

    async def serve(self, desk: str) -> None:
        """Until the viewer or the gateway ends it."""
        if not self._gateway.auth.same_site(self._websocket):
            metrics.rejected.labels("forbidden_origin").inc()
            # Accepted first: a refused handshake tells a browser nothing, and its viewer would come
            # back for ever. Nothing is sent but why.
            await self._websocket.accept()
            await self._websocket.close(CloseCode.FORBIDDEN, _FOREIGN_ORIGIN)
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
        found = await self._admit(desk)
        if found is None:
            return
        grant, record = found
        welcome = control.Welcome(
            record.desk, str(grant.role), self._gateway.viewer_settings.model_dump()
        )
        await self._websocket.send_text(welcome.encode())
        hello = await self._hello()
        if hello is None:
            return
        self._gateway.replace((record.desk, hello.viewer), self)
        self.viewer = Viewer(
            hello,
            grant,
            record,
            self._gateway.settings,
            self._gateway.links,
            self._gateway.streams,
            self.close,
        )
        log.info("event=viewer_joined desk=%s viewer=%s role=%s", desk, self.viewer.id, grant.role)
        metrics.viewers.labels(grant.role).inc()
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(self._send(self.viewer))
                await self._receive(self.viewer)
                sender.cancel()
        except* WebSocketDisconnect:
            pass
        finally:
            metrics.viewers.labels(grant.role).dec()
            self._gateway.forget((record.desk, hello.viewer), self)
            self.viewer.end()
            log.info("event=viewer_left desk=%s viewer=%s", desk, self.viewer.id)

    async def _admit(self, desk: str) -> tuple[Grant, bus.DeskRecord] | None:
        """May this viewer see this desk, and is there one?"""
        gateway = self._gateway
        try:
            grant = gateway.auth.grant(self._websocket)
        except TokenError as error:
            self.close(CloseCode.UNAUTHORIZED, str(error))
            return None
        if not grant.allows(desk):
            self.close(CloseCode.FORBIDDEN, "the token does not allow this desk")
            return None
        try:
            record = await gateway.book.desk(check_name(desk), gateway.settings.desk_wait_s)
        except ProtocolError:
            record = None
        if record is not None:
            return grant, record
        if gateway.is_settled():
            self.close(CloseCode.NO_SUCH_DESK, "a desk of this name was never seen")
        else:
            self.close(CloseCode.GOING_AWAY, "the desks are not known yet; come back")
        return None

    async def _hello(self) -> control.Hello | None:
        """The viewer's first message."""
        try:
            async with asyncio.timeout(self._gateway.settings.hello_timeout_s):
                message = await self._next_message()
        except TimeoutError:
            self.close(CloseCode.BAD_MESSAGE, "no hello in time")
            return None
        if message is None:
            return None
        try:
            hello = control.decode_from_viewer(message) if isinstance(message, str) else None
        except ProtocolError as error:
            self._refuse_hello(str(error))
            return None
        if not isinstance(hello, control.Hello):
            self._refuse_hello("the first message has to be hello")
        elif hello.protocol != PROTOCOL_VERSION:
            self._refuse_hello(f"this gateway speaks protocol {PROTOCOL_VERSION}")
        else:
            return hello
        return None

    def _refuse_hello(self, reason: str) -> None:
        metrics.refused.labels("bad_message").inc()
        self.close(CloseCode.BAD_MESSAGE, reason)

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
                try:
                    async with asyncio.timeout(self._gateway.settings.slow_timeout_s):
                        await self._flow.drained.wait()
                except TimeoutError:
                    self.close(CloseCode.SLOW, "the viewer does not read")
                    return
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
        log.info("event=viewer_closed code=%d reason=%r", code, reason)
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
