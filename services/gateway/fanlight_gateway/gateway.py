"""All that lives while the gateway runs, in one place, and its clockwork.

Lives on the worker's loop. Knows every connection, and which one a viewer's id belongs to.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from fanlight_common.process import clock
from fanlight_common.process.ticks import tick
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.http.auth import Auth
from fanlight_gateway.http.screenshots import Screenshots
from fanlight_gateway.settings import GatewaySettings, ViewerSettings
from fanlight_gateway.streams.desk_book import DeskBook
from fanlight_gateway.streams.desk_channel import DeskChannels
from fanlight_gateway.streams.fan_out import StreamHub
from fanlight_gateway.viewers.sampling import INTERVAL_MS, Sampler

TICK_S = 0.125
"""Goes into the heartbeats' interval: every second tick costs no wake-up of its own."""
FAREWELL_LIMIT_S = 0.4
"""What viewers get to hear that the gateway goes; see `supervision.STOP_LIMIT_S`."""
SETTLE_S = 10.0
"""So long after the start a desk that is not known may be one that has not announced itself yet."""

ViewerKey = tuple[str, str]
"""A desk, and a viewer's own id."""


class Closable(Protocol):
    """A connection, seen from here."""

    def close(self, code: CloseCode, reason: str) -> None:
        """End it."""

    def tick(self) -> None:
        """Look at the time."""


@dataclass(slots=True)
class Gateway:
    """The parts, each of which knows what it does itself."""

    settings: GatewaySettings
    viewer_settings: ViewerSettings
    auth: Auth
    book: DeskBook
    links: DeskChannels
    streams: StreamHub
    screenshots: Screenshots
    settle_s: float = SETTLE_S
    now_us: Callable[[], int] = clock.now_us
    """The clock that pictures are stamped with."""
    _connections: set[Closable] = field(default_factory=set)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)
    _somebody: asyncio.Event = field(default_factory=asyncio.Event)
    _left_at: float = 0.0
    _draining: bool = False
    _stopping: bool = False
    _sampler: Sampler = field(default_factory=Sampler)
    _viewers: dict[ViewerKey, Closable] = field(default_factory=dict)
    _started_at: float = field(default_factory=clock.now_s)

    @property
    def connected(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    def enter(self, connection: Closable) -> None:
        """A connection has opened. It is closed at once when there are too many, or at the end."""
        self._connections.add(connection)
        self._somebody.set()
        if self._stopping:
            connection.close(CloseCode.GOING_AWAY, "the gateway stops")
        elif len(self._connections) > self.settings.max_viewers:
            connection.close(CloseCode.TRY_LATER, "too many viewers; come back later")

    def leave(self, connection: Closable) -> None:
        """It has ended."""
        self._connections.discard(connection)
        self._left_at = clock.now_s()
        if not self._connections:
            self._empty.set()

    def replace(self, key: ViewerKey, connection: Closable) -> None:
        """This connection is the viewer's now; an earlier one is closed."""
        earlier = self._viewers.get(key)
        self._viewers[key] = connection
        if earlier is not None:
            earlier.close(CloseCode.REPLACED, "the same viewer connected again")

    def forget(self, key: ViewerKey, connection: Closable) -> None:
        """The connection has ended; if the viewer has a newer one, that stays."""
        if self._viewers.get(key) is connection:
            del self._viewers[key]

    def is_settled(self) -> bool:
        """Would a desk that exists be known by now? Not while there is nobody who would tell."""
        since = self.book.told_since
        if not self.book.heard or since is None:
            return False
        return clock.now_s() - max(since, self._started_at) >= self.settle_s

    def missing(self) -> list[str]:
        """What keeps the gateway from serving people; nothing: it is ready."""
        found = []
        if self._draining:
            found.append("it is about to stop")
        if not self.book.heard:
            found.append("the directory has not answered")
        if not self.book.screenshot_urls(""):
            found.append("no screenshot service is known")
        return found

    async def run(self) -> None:
        """The clockwork, for ever. It stands still while nobody is connected."""
        while True:
            await self._somebody.wait()
            await tick(TICK_S)
            self._tick()
            # Some ticks more, so that whoever has left is in the figures no longer.
            if not self._connections and clock.now_s() - self._left_at > 2 * INTERVAL_MS / 1000:
                self._somebody.clear()

    def _tick(self) -> None:
        self.streams.tick()
        figures = (viewer.figures() for viewer in self.links.viewers())
        self._sampler.tick(figures, clock.now_s() * 1000)
        for connection in list(self._connections):
            connection.tick()

    async def drain(self) -> None:
        """Let load balancers see that no more viewers are to come, while those here stay."""
        self._draining = True
        await asyncio.sleep(self.settings.drain_s)

    async def farewell(self) -> None:
        """Tell every viewer to come back, elsewhere."""
        self._stopping = True
        self._empty.clear()
        for connection in list(self._connections):
            connection.close(CloseCode.GOING_AWAY, "the gateway stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_LIMIT_S):
                while self._connections:
                    await self._empty.wait()
