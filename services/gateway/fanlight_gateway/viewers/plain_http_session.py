"""A viewer that comes by plain HTTP, from its hello until it is closed. No request in here.

Lives on the worker's loop. It is to the gateway what a WebSocket's Connection is, with a video gate
that is never opened. It drops nothing: what the viewer has not acknowledged is sent again, and what
it sends again is not handled again (see `exchange`).
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from fanlight_common.core.grants import Grant
from fanlight_common.process import clock
from fanlight_common.protocol import bus, control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.core.exchange import Incoming, Message, Outgoing
from fanlight_gateway.gateway import Gateway
from fanlight_gateway.viewers.admission import Visit

log = logging.getLogger(__name__)


class PlainSession:
    """One viewer's. It may be closed as soon as it is made: look at `closed`."""

    def __init__(
        self,
        gateway: Gateway,
        hello: control.Hello,
        grant: Grant,
        record: bus.DeskRecord,
        ended: Callable[["PlainSession"], None],
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.grant = grant
        self.desk = record.desk
        self.closed: tuple[CloseCode, str] | None = None
        """Why it is over."""
        self._gateway = gateway
        self._ended = ended
        self._incoming = Incoming()
        self._outgoing = Outgoing()
        self._visit: Visit | None = None
        self._polls = 0
        self._held = 0
        self._wake = asyncio.Event()
        self._contact_s = clock.now_s()
        gateway.enter(self)
        if self.closed is None:
            hello = replace(hello, video_enabled=False)
            self._visit = Visit(gateway, self, hello, grant, record, wake=self._wake.set)

    def close(self, code: CloseCode, reason: str) -> None:
        """End it with this code; the first one counts, and the viewer's next request gets it."""
        if self.closed is not None:
            return
        self.closed = code, reason
        metrics.closed.labels(code.name).inc()
        viewer = self._visit.viewer.id if self._visit is not None else "none"
        log.info(
            "event=viewer_closed desk=%s viewer=%s code=%d reason=%r",
            *(self.desk, viewer, code, reason),
        )
        self.leave()

    def leave(self) -> None:
        """The viewer says goodbye, or has been told to go."""
        if self.closed is None:
            self.closed = CloseCode.GOING_AWAY, "the viewer has left"
        if self._visit is not None:
            visit, self._visit = self._visit, None
            visit.end()
            self._wake.set()
        self._gateway.leave(self)
        self._ended(self)

    def tick(self) -> None:
        """Look at the time: an expired token, and a viewer that is not heard of any more."""
        silent_s = 0.0 if self._held else clock.now_s() - self._contact_s
        if time.time() >= self.grant.expires_at:
            self.close(CloseCode.UNAUTHORIZED, "token has expired")
        elif silent_s >= self._gateway.settings.http_timeout_s:
            self.close(CloseCode.SLOW, "the viewer was not heard of for too long")

    def give(self, first: int, messages: Sequence[Message]) -> tuple[int, list[bytes]]:
        """Messages of the viewer, from number `first` on: the newest number handled, and pongs.

        Raises ProtocolError where one is missing before them. Does not wait, so that two requests
        never mix.
        """
        self._contact_s = clock.now_s()
        for message in self._incoming.accept(first, messages):
            if self._visit is None:
                break
            self._visit.viewer.handle(message)
        pongs = [] if self._visit is None else self._visit.viewer.take_pongs()
        return self._incoming.handled, pongs

    async def take(self, after: int) -> tuple[int, list[Message]]:
        """The number of the first message after `after`, and all there are, once there are any.

        Nothing: the time is up, a newer request waits instead, or it was closed. Raises
        ProtocolError.
        """
        self._outgoing.acknowledge(after)
        if self._visit is None:
            return self._outgoing.first, []
        viewer = self._visit.viewer
        self._polls += 1
        this = self._polls
        self._wake.set()  # for the request that waited before this one
        self._held += 1
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._gateway.settings.http_hold_s):
                    while self.closed is None and self._polls == this:
                        if self._outgoing.fill(viewer.next_told):
                            return self._outgoing.first, list(self._outgoing.messages)
                        self._wake.clear()
                        await self._wake.wait()
            return self._outgoing.first, []
        finally:
            self._held -= 1
            self._contact_s = clock.now_s()
