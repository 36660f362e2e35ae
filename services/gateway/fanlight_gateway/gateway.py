"""The gateway's parts in one object, with its open transports and viewers, and its clock.

Lives on the worker's loop. Knows every transport, and which viewer has which id. Closes a transport
if there are too many, if the same viewer has connected again, or if the gateway stops.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from fanlight_common.bus.unit_feed import TICK_S
from fanlight_common.core.grants import Grant
from fanlight_common.process import clock
from fanlight_common.process.ticks import tick
from fanlight_common.protocol import bus, control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.limits import Limits
from fanlight_gateway.settings import GatewaySettings, ViewerSettings
from fanlight_gateway.streams.desk_book import DeskBook
from fanlight_gateway.streams.desk_channel import DeskChannels
from fanlight_gateway.streams.fan_out import StreamHub
from fanlight_gateway.viewers.sampling import INTERVAL_S, Sampler
from fanlight_gateway.viewers.transport import Transport
from fanlight_gateway.viewers.transport_host import TokenCheck
from fanlight_gateway.viewers.viewer import Viewer, ViewerKey

log = logging.getLogger(__name__)

FAREWELL_LIMIT_S = 0.4
"""How long, in seconds, viewers may take to close when the gateway stops; see
`supervision.STOP_LIMIT_S`."""
SETTLE_S = 10.0
"""For this time, in seconds, after the start, an unknown desk may not have announced itself yet."""


@dataclass(slots=True)
class Gateway:
    """What routes and transports share. It is a `viewers.transport_host.TransportHost`."""

    settings: GatewaySettings
    viewer_settings: ViewerSettings
    limits: Limits
    auth: TokenCheck
    book: DeskBook
    channels: DeskChannels
    streams: StreamHub
    settle_s: float = SETTLE_S
    now_us: Callable[[], int] = clock.now_us
    """The clock that units are stamped with."""
    _transports: set[Transport] = field(default_factory=set)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)
    _somebody: asyncio.Event = field(default_factory=asyncio.Event)
    _left_at: float = 0.0
    _draining: bool = False
    _stopping: bool = False
    _sampler: Sampler = field(default_factory=Sampler)
    _viewers: dict[ViewerKey, Viewer] = field(default_factory=dict)
    _started_at: float = field(default_factory=clock.now_s)

    @property
    def connected(self) -> int:
        """The number of open transports."""
        return len(self._transports)

    def add_transport(self, transport: Transport) -> None:
        """Register a connection that has opened. It is closed at once if there are too many, or if
        the gateway stops."""
        self._transports.add(transport)
        self._somebody.set()
        if self._stopping:
            transport.close(CloseCode.GOING_AWAY, "the gateway stops")
        elif len(self._transports) > self.settings.max_viewers:
            transport.close(CloseCode.TRY_LATER, "too many viewers; come back later")

    def remove_transport(self, transport: Transport) -> None:
        """Forget a connection that has ended. Removing it again does no harm."""
        self._transports.discard(transport)
        self._left_at = clock.now_s()
        if not self._transports:
            self._empty.set()

    def add_viewer(
        self, hello: control.Hello, grant: Grant, record: bus.DeskRecord, transport: Transport
    ) -> Viewer:
        """Make the viewer of a browser that was admitted and has said hello.

        If the browser has an earlier connection, that is closed. If this raises, the gateway does
        not know the viewer.
        """
        viewer = Viewer(
            hello,
            grant,
            record,
            transport,
            self.channels,
            self.streams,
            self.limits,
            now_us=self.now_us,
        )
        # The earlier viewer ends only after this one has joined. Otherwise the desk's channel might
        # end with it, and a new channel would refuse the first keys, because it has no peer yet.
        earlier = self._viewers.get(viewer.key)
        self._viewers[viewer.key] = viewer
        if earlier is not None:
            earlier.close(CloseCode.REPLACED, "the same viewer connected again")
        log.info(
            "event=viewer_joined desk=%s viewer=%s role=%s transport=%s",
            *(viewer.desk, viewer.id, grant.role, transport.name),
        )
        metrics.viewers.labels(grant.role).inc()
        return viewer

    def remove_viewer(self, viewer: Viewer) -> None:
        """End a viewer whose connection has ended. The keys that it held are released."""
        metrics.viewers.labels(viewer.grant.role).dec()
        if self._viewers.get(viewer.key) is viewer:  # not one that replaced it
            del self._viewers[viewer.key]
        viewer.end()
        log.info("event=viewer_left desk=%s viewer=%s", viewer.desk, viewer.id)

    def is_settled(self) -> bool:
        """Would a desk that exists be known by now? False while the directory is away."""
        since = self.book.told_since
        if not self.book.heard or since is None:
            return False
        return clock.now_s() - max(since, self._started_at) >= self.settle_s

    def missing(self) -> list[str]:
        """Return the reasons why the gateway cannot serve people. It is ready if there are none."""
        found = []
        if self._draining:
            found.append("it is about to stop")
        if not self.book.heard:
            found.append("the directory has not answered")
        if not self.book.screenshot_urls(""):
            found.append("no screenshot service is known")
        return found

    async def run(self) -> None:
        """Tick for ever, but only while somebody is connected."""
        while True:
            await self._somebody.wait()
            await tick(TICK_S)
            self._tick()
            # It ticks on for a while after the last viewer, so that the gauges forget that viewer.
            if not self._transports and clock.now_s() - self._left_at > 2 * INTERVAL_S:
                self._somebody.clear()

    def _tick(self) -> None:
        self.streams.tick()
        samples = (viewer.sample() for viewer in list(self._viewers.values()))
        self._sampler.tick(samples, clock.now_s())
        for viewer in list(self._viewers.values()):
            viewer.tick()

    async def drain(self) -> None:
        """Say at /readyz for `drain_s` that no more viewers are to come. Those here stay."""
        self._draining = True
        await asyncio.sleep(self.settings.drain_s)

    async def farewell(self) -> None:
        """Close every transport, so that viewers connect again elsewhere, and wait until they
        have."""
        self._stopping = True
        self._empty.clear()
        for transport in list(self._transports):
            transport.close(CloseCode.GOING_AWAY, "the gateway stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_LIMIT_S):
                while self._transports:
                    await self._empty.wait()
