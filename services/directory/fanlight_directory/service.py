"""The directory's shell: messages from the sockets go into the registry, its effects come out.

Lives on the worker's loop. Decides nothing: `core.registry` does. Owns the timer of the next tick.
Drops nothing by itself; if a subscriber does not keep up, ZeroMQ drops records in the end
(`SocketRole.DIRECTORY_OUTLET`).
"""

import asyncio
import logging
import time

from prometheus_client import Counter, Gauge

from fanlight_common.bus.inlet_messages import refused
from fanlight_common.bus.receiver import Receiver
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import clock, refusals
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, topics
from fanlight_common.service.worker import Worker
from fanlight_directory.core.effects import Contested, Effect, Joined, Leased, Left, Publish
from fanlight_directory.core.placement import Rules
from fanlight_directory.core.registry import GRACE_S, Registry, Timing
from fanlight_directory.inlet import InletReader
from fanlight_directory.settings import DirectorySettings

log = logging.getLogger(__name__)

services = Gauge("fanlight_directory_services", "Living processes", ["kind"])
desks = Gauge("fanlight_directory_desks", "Desks that are alive")
leases = Gauge("fanlight_directory_leases", "Streams that have an encoder")
waiting = Gauge("fanlight_directory_waiting", "Streams that are asked for and have no encoder")
moves = Counter("fanlight_directory_lease_moves", "Leases given, ended or lost", ["reason"])
published = Counter("fanlight_directory_records", "Records published")

_TICKS_A_TIMEOUT = 10
_FEWEST_TICKS_A_TIMEOUT = 2.5
"""A registry whose `tick` is called less than twice within the heartbeat timeout concludes that its
process stood still."""
_LATE_S = 0.002
"""A timer is set this much later than what is due, because it may fire a millisecond early."""
_LEAST_S = 0.01
_MEASURE_S = 0.5
RECONNECT_S = 0.1
"""A process needs at most this time to connect again to a directory that is there."""
SETTLE_S = 1.0
"""How long a directory that has started listens before it grants leases itself. Processes reconnect
within 0.5 s (sockets.py), and the next heartbeat of each is 0.25 s away at most."""
SETTLE_ON_NETWORK_S = 2.0
"""The same on a network: a directory that comes back there may have another address, which the
other processes notice within a second."""
_SUBSCRIBE, _UNSUBSCRIBE, _NEITHER = 1, 0, 2


class Directory:
    """The running directory."""

    def __init__(
        self,
        worker: Worker,
        bus_settings: BusSettings,
        own: DirectorySettings,
        grace_s: float = GRACE_S,
    ) -> None:
        assert worker.outlet is not None
        self._outlet = Receiver(worker.outlet, self._on_subscription)
        self._inlet = InletReader(worker.inlet, self._on_message, self._after_batch)
        self._now_us = worker.now_us
        timeout_s = bus_settings.heartbeat_timeout_s
        self._tick_s = timeout_s / _TICKS_A_TIMEOUT
        self._longest_s = timeout_s / _FEWEST_TICKS_A_TIMEOUT
        self._ticked_at = self._measured_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets what `_tick` raised: `_ticks` raises it, and so the process ends."""
        rules = Rules(locality=own.locality, moves=own.moves_per_s)
        self._registry = Registry(_timing(bus_settings, grace_s), clock.now_s(), rules)
        self._kinds: set[str] = set()

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._inlet.run())
            group.create_task(self._outlet.run())
            group.create_task(self._ticks())

    def _on_message(self, message: bus.DirectoryInlet) -> None:
        if isinstance(message, bus.Heartbeat):
            self._apply(self._registry.heartbeat(message, clock.now_s(), _unix_s()))
        else:
            self._apply(self._registry.farewell(message, clock.now_s(), _unix_s()))

    def _on_subscription(self, message: bytes) -> None:
        verb, topic = message[0] if message else _NEITHER, message[1:]
        try:
            if verb == _SUBSCRIBE and topic.startswith(topics.CLOCKS):
                self._outlet.send(topic, bus.encode(bus.ClockRecord(self._now_us())))
            elif verb == _UNSUBSCRIBE and topic.startswith(topics.CLOCKS):
                pass
            elif verb == _SUBSCRIBE:
                self._apply(self._registry.subscribed(topic, clock.now_s(), _unix_s()))
                self._set_timer()
            elif verb == _UNSUBSCRIBE:
                self._registry.unsubscribed(topic, clock.now_s())
                self._set_timer()
            else:
                raise ProtocolError("neither a subscription nor its end")
        except ProtocolError as error:
            refused.labels("topic").inc()
            refusals.note(log, "topic", error)

    async def _ticks(self) -> None:
        """Tick whenever something is due, which is hardly ever while all heartbeats arrive."""
        self._tick()
        try:
            await self._failed
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _after_batch(self) -> None:
        """Tick now if a tick is due soon: the process is awake already."""
        if clock.now_s() - self._ticked_at >= self._tick_s:
            self._tick()

    def _tick(self) -> None:
        now = self._ticked_at = clock.now_s()
        self._apply(self._registry.tick(self._inlet.read_until(now), _unix_s()))
        if now - self._measured_at >= _MEASURE_S:
            self._measured_at = now
            self._measure()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        due_at = min(self._registry.due_at() + _LATE_S, self._ticked_at + self._longest_s)
        # What is due may have to wait until all waiting messages are read.
        wait_s = max(due_at - clock.now_s(), _LEAST_S)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._on_time)

    def _on_time(self) -> None:
        try:
            self._tick()
        except Exception as error:  # noqa: BLE001 - `_ticks` raises it; the loop would only log it
            if not self._failed.done():
                self._failed.set_exception(error)

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Publish(topic, record):
                    self._outlet.send(topic, bus.encode(record))
                    published.inc()
                case Joined(kind, id_, instance):
                    log.info("event=joined kind=%s id=%s instance=%s", kind, id_, instance)
                case Left(kind, id_, instance, reason):
                    log.info(
                        "event=left kind=%s id=%s instance=%s reason=%s",
                        kind,
                        id_,
                        instance,
                        reason,
                    )
                case Leased(stream, id_, epoch, reason):
                    moves.labels(reason).inc()
                    log.info(
                        "event=lease stream=%s encoder=%s epoch=%d reason=%s",
                        stream,
                        id_ or "none",
                        epoch,
                        reason,
                    )
                case Contested(what, name, kept, ignored):
                    log.warning(
                        "event=contested what=%s name=%s kept=%s ignored=%r",
                        what,
                        name,
                        kept,
                        ignored,
                    )

    def _measure(self) -> None:
        counts = self._registry.counts()
        self._kinds |= counts.services.keys()
        for kind in self._kinds:
            services.labels(kind).set(counts.services.get(kind, 0))
        desks.set(counts.desks)
        leases.set(counts.leases)
        waiting.set(counts.waiting)


def _timing(settings: BusSettings, grace_s: float) -> Timing:
    return Timing(
        timeout_s=settings.heartbeat_timeout_s,
        # Each encoder has sent a heartbeat by then, however slow heartbeats are.
        settle_s=max(
            SETTLE_ON_NETWORK_S if settings.bus_directory else SETTLE_S,
            2 * settings.heartbeat_interval_s,
        ),
        grace_s=grace_s,
        # The next heartbeat comes within this time, even if the process has to connect again.
        suspect_s=settings.heartbeat_interval_s + RECONNECT_S,
    )


def _unix_s() -> int:
    return int(time.time())
