"""A consumer's view of one desk's events (pointer, clipboard), as one capture publishes them.

Lives on the worker's loop; nothing here waits. The capture answers a subscription with the present
state. Events are numbered, so a gap shows that an event was lost; the feed then subscribes again,
which brings the present state once more. Drops data that is not an event, and tells its owner. When
the desk's capture comes back elsewhere, the owner closes this feed and opens another one.

An error about one event ends this feed and nothing else: the feed calls `failed` with the error.
"""

import asyncio
import logging
from collections.abc import Callable

import zmq.asyncio

from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole, closed_on_error
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import refusals
from fanlight_common.process.tasks import start
from fanlight_common.protocol import bus, topics

log = logging.getLogger(__name__)


class EventFeed:
    """Events of one desk from the moment of creation until `close`."""

    def __init__(
        self,
        network: BusNetwork,
        group: asyncio.TaskGroup,
        desk: str,
        outlet: str,
        *,
        take: Callable[[bus.Event], None],
        failed: Callable[[Exception], None],
        on_refused: Callable[[], None],
        on_gap: Callable[[], None] = lambda: None,
        peer: str = "",
    ) -> None:
        """Subscribe at `outlet`. If that raises, nothing of the feed is left behind.

        `group` runs the task that receives. `take` gets each event; it may raise ProtocolError
        about one that it does not understand. `failed` is called with any other error, after which
        nothing more is received; it has to close the feed. `on_refused` is called for each message
        that is no event, and `on_gap` for each gap. `peer` names the capture in the log.
        """
        self._topic = topics.events(desk)
        self._take = take
        self._failed = failed
        self._on_refused = on_refused
        self._on_gap = on_gap
        self._peer = peer
        self._last: int | None = None
        """The number of the last event; None before the first."""
        self._socket: zmq.asyncio.Socket = network.open_connected(
            SocketRole.EVENTS, outlet, self._topic
        )
        with closed_on_error(self._socket):
            self._task = start(group, self._receive())

    def close(self) -> None:
        """Unsubscribe. `take` is called no more. A second call does nothing."""
        self._task.cancel()
        self._socket.close(linger=0)

    async def _receive(self) -> None:
        try:
            while not self._socket.closed:  # taking an event may have closed it
                self._received(await self._socket.recv_multipart())
        except Exception as error:  # noqa: BLE001 - ends the desk it is about, not the process
            self._failed(error)

    def _received(self, parts: list[bytes]) -> None:
        try:
            if len(parts) != 2:
                raise ProtocolError(f"event: {len(parts)} parts, wants 2")
            event = bus.decode_event(parts[1])
            if self._last is not None and event.sequence != self._last + 1:
                self._on_gap()
                self._socket.unsubscribe(self._topic)
                self._socket.subscribe(self._topic)
            self._last = event.sequence
            self._take(event)
        except ProtocolError as error:
            self._on_refused()
            refusals.note(log, "events", error, self._peer)
