"""One WebSocket: from the handshake to the close code. The shell around a Viewer.

Once the viewer has said hello, messages are handed to it as they come, and what it has is sent as
soon as the socket has taken what went before, each message chosen at that moment. No task runs for
that; the connection's own only waits for its end, from whichever side.
"""

import asyncio
import logging
import time
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from fanlight_common.process import clock
from fanlight_common.protocol import control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.core.websocket_frames import framed
from fanlight_gateway.gateway import Gateway
from fanlight_gateway.viewers.admission import (
    FOREIGN_ORIGIN,
    RefusedError,
    Visit,
    admit,
    read_hello,
    welcome,
)
from fanlight_gateway.viewers.viewer import Viewer
from fanlight_gateway.viewers.websocket_server import Flow

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
        self._stalled_at = 0.0
        self._too_slow: asyncio.TimerHandle | None = None

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection with this code; the first one counts."""
        if not self._closing.done():
            self._closing.set_result((code, reason))
        self._flow.shut()
        if self._flow.on_message is not None:
            self._flow.on_message = lambda _: None  # nobody listens any more

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
            if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
                self._failed(error)
            elif error is not None and not isinstance(error, WebSocketDisconnect):
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
        visit = Visit(self._gateway, self, hello, grant, record, wake=self._send, outlet=self._flow)
        self.viewer = visit.viewer
        try:
            self._flow.on_drained = self._on_drained
            self._flow.open()
            self._on_drained(self._flow.is_drained)
            # Those that came with the hello are first, and those that still come meanwhile.
            self._flow.on_message = visit.viewer.handle
            while (message := await self._next_message()) is not None:
                self._handle(message)
        finally:
            self._flow.shut()
            self._flow.on_message = None
            self._flow.on_drained = lambda _: None
            self._stop_clock()
            visit.end()

    async def _hello(self) -> control.Hello | None:
        """The viewer's first message; None: it has gone. Raises RefusedError."""
        try:
            async with asyncio.timeout(self._gateway.settings.hello_timeout_s):
                message = await self._next_message()
        except TimeoutError:
            raise RefusedError(CloseCode.BAD_MESSAGE, "no hello in time") from None
        return None if message is None else read_hello(message)

    async def _next_message(self) -> bytes | str | None:
        """None: the viewer has gone."""
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            return None
        text: str | None = event.get("text")
        data: bytes | None = event.get("bytes")
        return text if text is not None else data

    def _handle(self, message: bytes | str) -> None:
        if self.viewer is not None and not self._closing.done():
            self.viewer.handle(message)

    def _send(self) -> None:
        """All that the viewer has, as long as the socket takes it."""
        viewer, flow = self.viewer, self._flow
        if viewer is None or self._closing.done():
            return
        try:
            while flow.is_drained and not flow.is_closing():
                told = viewer.next_told()
                frame = viewer.next_video() if told is None else framed(told)
                if frame is None:
                    return
                flow.send(frame)
        except Exception as error:  # noqa: BLE001 - ends the viewer it is about
            self._failed(error)

    def _on_drained(self, is_drained: bool) -> None:
        if is_drained:
            if self._too_slow is not None:
                metrics.socket_seconds.observe(clock.now_s() - self._stalled_at)
            self._stop_clock()
            self._send()
        elif self._too_slow is None:
            self._stalled_at = clock.now_s()
            self._too_slow = asyncio.get_running_loop().call_later(
                self._gateway.settings.slow_timeout_s,
                self.close,
                CloseCode.SLOW,
                "the viewer does not read",
            )

    def _stop_clock(self) -> None:
        if self._too_slow is not None:
            self._too_slow.cancel()
            self._too_slow = None

    def _failed(self, error: Exception) -> None:
        """Something here raised it, which ends this connection and no other."""
        if self.viewer is not None:
            self.viewer.failed(error)
        else:
            metrics.failed.inc()
            log.error("event=viewer_failed desk=none viewer=none", exc_info=error)
            self.close(CloseCode.FAILED, "an error at the gateway; come back")

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
