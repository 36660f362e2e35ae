"""What every service has: an inlet, an outlet, a heartbeat, health.

Owns the process's ZeroMQ context, its bound sockets and its side of the directory. Lives on the
loop that it is made in (`supervision.run` gives it one). Drops nothing: the module that receives a
message counts it if it does not understand it.
"""

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from socket import gethostname
from typing import Any

import zmq
import zmq.asyncio
from prometheus_client import Gauge, Histogram

from fanlight_common.bus.clock_sync import ClockSync, first_guess
from fanlight_common.bus.directory_client import DirectoryClient
from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.ring import host_id
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.names import check_name
from fanlight_common.process import clock
from fanlight_common.process.health import HealthServer
from fanlight_common.process.settings import BusSettings
from fanlight_common.process.ticks import tick
from fanlight_common.protocol import bus, topics

log = logging.getLogger(__name__)

_FAREWELL_S = 0.1
"""Seconds that the farewell may take to leave when the process ends."""
_TURN_S = 1.0
HANG_LIMIT_S = 5.0
"""/healthz says unhealthy when the event loop has not turned for so many seconds."""

process = Gauge("fanlight_process", "1: this process, by its name on the bus", ["kind", "id"])
loop_lag_seconds = Histogram(
    "fanlight_loop_lag_seconds",
    "How much too late the event loop wakes: it is busy, or there is too little CPU",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5),
)


@dataclass(slots=True)
class ServiceOffer:
    """What this process offers to the others. Its next heartbeat says so."""

    http: str = ""
    desks: tuple[bus.DeskOffer, ...] = ()
    capacity: int = 0
    load: float = 0.0
    streams: tuple[bus.HeldStream, ...] = ()


class Worker:
    """One process on the bus. Create it inside the running loop."""

    def __init__(self, kind: str, settings: BusSettings, outlet: SocketRole | None) -> None:
        self.kind = kind
        self.settings = settings
        self.id = check_name(settings.id or _default_id(kind, settings))
        self.instance = f"{clock.now_us():x}-{os.getpid():x}"
        self.host = host_id()
        self.offer = ServiceOffer()
        """Change it in place, and call `announce`."""
        self.healthy: Callable[[], tuple[bool, dict[str, Any]]] = lambda: (True, {})
        """Return whether the process is healthy, and details for /healthz. It is called on the
        health thread. Services replace it."""
        self.drain: Callable[[], Awaitable[None]] | None = None
        """Hands over what the process has, after SIGTERM and before its end. Services replace
        it."""
        self.drain_limit_s = 0.0
        """Seconds that the drain may take."""
        self.before_beat: Callable[[], None] = lambda: None
        """Called before each regular heartbeat, to measure what always changes. Services replace
        it."""
        self._beating = self._announced = False
        self._said: tuple[Any, ...] = ()
        """The offer that `_beat_bytes` contain."""
        self._beat_bytes = b""
        """The last heartbeat, encoded."""
        self._last_turn = clock.now_s()
        settings.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.bus_clock = first_guess(settings)
        """See `now_us`."""
        self.network = BusNetwork(settings, kind)
        self.context = self.network.context
        self.address = self.network.address
        """Under which others reach this process."""
        self.outlet: zmq.asyncio.Socket | None = None
        self.outlet_endpoint = ""
        try:
            self.inlet, self.inlet_endpoint = self._bind(SocketRole.INLET, "inlet")
            if outlet is not None:
                self.outlet, self.outlet_endpoint = self._bind(outlet, "outlet")
            self.directory = DirectoryClient(self.network)
            self.health = HealthServer(settings.health_host, settings.health_port, self._health)
        except BaseException:
            self.network.close(0)
            raise

    def now_us(self) -> int:
        """Return the bus clock in microseconds, for stamps on the bus and for comparing with them.

        It is corrected now and then, so `process.clock` is better for times within one process.
        """
        return self.bus_clock.at(clock.now_us())

    def announce(self) -> None:
        """Send a heartbeat now, because the offer has changed."""
        if self._beating and not self._announced:
            self._announced = True
            asyncio.get_running_loop().call_soon(self._beat)

    async def serve(self, main: Callable[["Worker"], Awaitable[None]]) -> None:
        """Run `main` with heartbeats around it until it returns or is cancelled."""
        log.info("event=start kind=%s id=%s health=%s", self.kind, self.id, self.health.url)
        process.labels(self.kind, self.id).set(1)
        try:
            async with asyncio.TaskGroup() as group:
                around = [
                    group.create_task(self.directory.run()),
                    group.create_task(self.network.run()),
                ]
                if self.kind != "directory":
                    around.append(group.create_task(self._heartbeats()))
                    if self.settings.bus_directory:
                        watch = ClockSync(self.directory, self.id, self.bus_clock)
                        around.append(group.create_task(watch.run()))
                    # Nobody else subscribes to this topic, so the end of the connection tells the
                    # directory of the end of this process.
                    self.directory.watch(topics.presence(self.id, self.instance), _nothing)
                around.append(group.create_task(self._turn()))
                try:
                    await main(self)
                finally:
                    for task in around:
                        task.cancel()
        finally:
            self.close()
            log.info("event=stop kind=%s id=%s", self.kind, self.id)

    def close(self) -> None:
        """Say farewell and close every socket, also if saying farewell raises."""
        try:
            if self.kind != "directory":
                self.directory.tell(bus.Farewell(self.id, self.instance))
        finally:
            self.health.close()
            self.network.close(_FAREWELL_S)

    def _bind(self, role: SocketRole, name: str) -> tuple[zmq.asyncio.Socket, str]:
        socket = self.network.open(role)
        return socket, self.network.bind(socket, self.id, name)

    async def _heartbeats(self) -> None:
        self._beating = True
        try:
            while True:
                self._beat()
                await tick(self.settings.heartbeat_interval_s)
                self.before_beat()
        finally:
            self._beating = False

    def _beat(self) -> None:
        self._announced = False
        if not self._beating:  # the process has ended since the offer changed
            return
        offer = self.offer
        said = (offer.http, offer.desks, offer.capacity, offer.load, offer.streams)
        if said != self._said:
            self._said = said
            self._beat_bytes = bus.encode(
                bus.Heartbeat(
                    kind=self.kind,
                    id=self.id,
                    instance=self.instance,
                    host=self.host,
                    outlet=self.outlet_endpoint,
                    inlet=self.inlet_endpoint,
                    http=offer.http,
                    desks=offer.desks,
                    capacity=offer.capacity,
                    load=offer.load,
                    streams=offer.streams,
                )
            )
        self.directory.send(self._beat_bytes)

    async def _turn(self) -> None:
        while True:
            self._last_turn = clock.now_s()
            due = await tick(_TURN_S)
            loop_lag_seconds.observe(max(0.0, clock.now_s() - due))

    def _health(self) -> tuple[bool, dict[str, Any]]:
        hung_s = clock.now_s() - self._last_turn
        if hung_s > HANG_LIMIT_S:
            return False, {"id": self.id, "reason": f"event loop hangs for {hung_s:.0f} s"}
        healthy, details = self.healthy()
        return healthy, {"id": self.id, **details}


def _nothing(record: bus.DirectoryOutlet) -> None:
    """Do nothing: there are no records of a process's own presence."""


def _default_id(kind: str, settings: BusSettings) -> str:
    """Return an id that no other process on the bus has. A restarted container gets it again."""
    if not settings.bus_directory:
        return f"{kind}-{os.getpid()}"
    # Containers count their processes each from 1, but each has a host name of its own.
    host = re.sub(r"[^a-z0-9]+", "-", gethostname().lower())
    return f"{kind}-{host[:40]}-{os.getpid()}"
