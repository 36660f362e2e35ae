"""The plain-HTTP transport: one viewer's session, from its hello until it is closed.

Lives on the worker's loop. Knows no requests; `plain_http_sessions` does. Carries no video. Drops
nothing: messages that the viewer has not acknowledged are sent again, and messages that the viewer
sends again are not handled again (see `exchange`).
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence

from fanlight_common.core.grants import Grant
from fanlight_common.protocol import bus, control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.core.exchange import Incoming, NumberedMessage, Outgoing
from fanlight_gateway.viewers.transport_host import TransportHost
from fanlight_gateway.viewers.viewer import Viewer

log = logging.getLogger(__name__)


class PlainHttpTransport:
    """The session of one viewer. See `transport.Transport`.

    It is writable while one of the viewer's requests waits for messages, and there is room for more
    messages that are not acknowledged.
    """

    name = "http"
    carries_video = False
    encode_unit = staticmethod(bytes)

    def __init__(
        self,
        gateway: TransportHost,
        hello: control.Hello,
        grant: Grant,
        record: bus.DeskRecord,
        ended: Callable[["PlainHttpTransport"], None],
    ) -> None:
        """Register the session and its viewer at the gateway. `ended` is called once, at the end.

        The gateway may have closed the session when this returns; `closed` says so.
        """
        self.id = secrets.token_urlsafe(24)
        self.grant = grant
        self.desk = record.desk
        self.closed: tuple[CloseCode, str] | None = None
        """Why the session is over. None if it is not."""
        self._gateway = gateway
        self._ended = ended
        self._incoming = Incoming()
        self._outgoing = Outgoing()
        self._viewer: Viewer | None = None
        self._polls = 0
        """How many requests for messages have come. Only the newest of them waits."""
        self._waiting_polls = 0
        """How many requests for messages wait now."""
        self._is_handling = False
        self._wakeup = asyncio.Event()
        """Wakes the request that waits: there is a message, a newer request, or the end."""
        self._silence: asyncio.TimerHandle | None = None
        """The timer that closes the session. It runs while no request waits."""
        gateway.add_transport(self)
        if self.closed is None:
            viewer = gateway.add_viewer(hello, grant, record, self)
            if self.closed is None:
                self._viewer = viewer
                self._heard()
            else:  # the viewer failed while it joined
                gateway.remove_viewer(viewer)

    @property
    def is_writable(self) -> bool:
        """Does a request wait, with room? False while the viewer's messages are handled, because
        their pongs go into the answer to these messages."""
        return self._waiting_polls > 0 and not self._is_handling and self._outgoing.has_room

    def send(self, message: bytes | str) -> None:
        """Number the message, and keep it until it is acknowledged."""
        self._outgoing.add(message)
        self._wakeup.set()

    send_unit = send

    def close(self, code: CloseCode, reason: str) -> None:
        """End the session. Only the first call counts; the viewer's next request gets its code."""
        if self.closed is not None:
            return
        self.closed = code, reason
        metrics.closed.labels(code.name).inc()
        viewer = self._viewer.id if self._viewer is not None else "none"
        log.info(
            "event=viewer_closed desk=%s viewer=%s code=%d reason=%r",
            *(self.desk, viewer, code, reason),
        )
        self._end()

    def leave(self) -> None:
        """End the session, because the viewer says that it leaves."""
        if self.closed is None:
            self.closed = CloseCode.GOING_AWAY, "the viewer has left"
            self._end()

    def give(self, first: int, messages: Sequence[NumberedMessage]) -> tuple[int, list[bytes]]:
        """Handle the viewer's messages, of which the first has the number `first`.

        Returns the newest number that was handled, and the pongs. Raises ProtocolError, and handles
        nothing, if a message before `first` is missing. Does not wait, so that two requests never
        mix.
        """
        self._heard()
        self._is_handling = True
        try:
            for message in self._incoming.accept(first, messages):
                if self._viewer is None:
                    break
                self._viewer.handle(message)
            pongs = [] if self._viewer is None else self._viewer.take_pongs()
        finally:
            self._is_handling = False
        if self._viewer is not None:
            self._viewer.flush()
        return self._incoming.handled, pongs

    async def take(self, after: int) -> tuple[int, list[NumberedMessage]]:
        """Wait for messages to the viewer, which has all up to the number `after`.

        Returns the number of the first message that it has not, and all such messages. There are
        none if the time is up, if a newer request waits instead, or if the session was closed.
        Raises ProtocolError if the message `after` was never sent.
        """
        self._outgoing.acknowledge(after)
        if self._viewer is None:
            return self._outgoing.first, []
        self._polls += 1
        this = self._polls
        self._wakeup.set()  # for the request that waited before this one
        self._waiting_polls += 1
        self._stop_silence()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._gateway.limits.transport.http_long_poll_s):
                    while self._viewer is not None and self._polls == this:
                        self._viewer.flush()
                        if self._outgoing.messages:
                            return self._outgoing.first, list(self._outgoing.messages)
                        self._wakeup.clear()
                        await self._wakeup.wait()
            return self._outgoing.first, []
        finally:
            self._waiting_polls -= 1
            self._heard()

    def _end(self) -> None:
        """Remove viewer and transport from the gateway. `closed` says why."""
        self._stop_silence()
        if self._viewer is not None:
            viewer, self._viewer = self._viewer, None
            self._gateway.remove_viewer(viewer)
            self._wakeup.set()
        self._gateway.remove_transport(self)
        self._ended(self)

    def _heard(self) -> None:
        """Begin the time limit for the viewer's next request anew, because the viewer is there."""
        self._stop_silence()
        if self._viewer is not None and not self._waiting_polls:
            self._silence = asyncio.get_running_loop().call_later(
                self._gateway.limits.transport.http_timeout_s,
                self.close,
                CloseCode.SLOW,
                "the viewer was not heard of for too long",
            )

    def _stop_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
