"""The directory's shell: sockets in, state machine, sockets out. Decides nothing.

Lives on the worker's loop. Drops nothing by itself; what a subscriber does not take, its outlet
drops in the end (`Role.DIRECTORY_OUTLET`).
"""

import asyncio
import logging
import time

from prometheus_client import Counter, Gauge

from fanlight_common import clock
from fanlight_common.errors import ProtocolError
from fanlight_common.protocol import bus, topics
from fanlight_common.settings import BusSettings
from fanlight_common.worker import Worker, refused
from fanlight_directory.effects import Contested, Effect, Joined, Leased, Left, Publish
from fanlight_directory.hearing import Hearing
from fanlight_directory.placing import Rules
from fanlight_directory.registry import Registry, Timing
from fanlight_directory.settings import DirectorySettings

log = logging.getLogger(__name__)

services = Gauge("fanlight_directory_services", "Living processes", ["kind"])
desks = Gauge("fanlight_directory_desks", "Desks that are alive")
leases = Gauge("fanlight_directory_leases", "Streams that have an encoder")
waiting = Gauge("fanlight_directory_waiting", "Streams that are asked for and have no encoder")
moves = Counter("fanlight_directory_lease_moves", "Leases given, ended or lost", ["why"])
published = Counter("fanlight_directory_records", "Records published")

_TICKS_A_TIMEOUT = 10
RECONNECT_S = 0.1
"""What a process needs at most to connect again to a directory that is there."""
_NEITHER = 2


class Directory:
    """The running directory."""

    def __init__(self, worker: Worker, bus_settings: BusSettings, own: DirectorySettings) -> None:
        assert worker.outlet is not None
        self._outlet = worker.outlet
        self._hearing = Hearing(worker.inlet, self._told)
        self._now_us = worker.now_us
        self._tick_s = bus_settings.heartbeat_timeout_s / _TICKS_A_TIMEOUT
        timing = Timing(
            timeout_s=bus_settings.heartbeat_timeout_s,
            # Whatever the settings: an encoder has to have had its chance to be heard.
            settle_s=max(own.settle_s, 2 * bus_settings.heartbeat_interval_s),
            grace_s=own.lease_grace_s,
            forget_s=own.forget_s,
            # The next heartbeat, and some time to connect again.
            suspect_s=bus_settings.heartbeat_interval_s + RECONNECT_S,
        )
        rules = Rules(locality=own.locality, margin=own.move_margin, moves=own.moves_per_s)
        self._registry = Registry(timing, clock.now_s(), rules)
        self._kinds: set[str] = set()

    async def run(self) -> None:
        """For ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hearing.run())
            group.create_task(self._subscriptions())
            group.create_task(self._ticks())

    def _told(self, message: bus.DirectoryInlet) -> None:
        if isinstance(message, bus.Heartbeat):
            self._apply(self._registry.heartbeat(message, clock.now_s(), _unix_s()))
        else:
            self._apply(self._registry.farewell(message, clock.now_s(), _unix_s()))

    async def _subscriptions(self) -> None:
        while True:
            message = await self._outlet.recv()
            verb, topic = message[0] if message else _NEITHER, message[1:]
            try:
                if verb == 1 and topic.startswith(topics.CLOCKS):
                    record = bus.ClockRecord(self._now_us())
                    self._outlet.send_multipart([topic, bus.encode(record)])
                elif verb == 0 and topic.startswith(topics.CLOCKS):
                    pass
                elif verb == 1:
                    self._apply(self._registry.subscribed(topic, clock.now_s(), _unix_s()))
                elif verb == 0:
                    self._registry.unsubscribed(topic, clock.now_s())
                else:
                    raise ProtocolError("neither a subscription nor its end")
            except ProtocolError as error:
                refused.labels("topic").inc()
                log.debug("event=refused where=topic reason=%r", str(error))

    async def _ticks(self) -> None:
        while True:
            self._apply(self._registry.tick(self._hearing.heard_until(clock.now_s()), _unix_s()))
            self._measure()
            await asyncio.sleep(self._tick_s)

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Publish(topic, record):
                    # An XPUB never waits, and what the socket queues stays in order: no await.
                    self._outlet.send_multipart([topic, bus.encode(record)])
                    published.inc()
                case Joined(kind, id_, instance):
                    log.info("event=joined kind=%s id=%s instance=%s", kind, id_, instance)
                case Left(kind, id_, instance, why):
                    log.info(
                        "event=left kind=%s id=%s instance=%s why=%s", kind, id_, instance, why
                    )
                case Leased(stream, id_, epoch, why):
                    moves.labels(why).inc()
                    log.info(
                        "event=lease stream=%s encoder=%s epoch=%d why=%s",
                        stream,
                        id_ or "none",
                        epoch,
                        why,
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


def _unix_s() -> int:
    return int(time.time())
