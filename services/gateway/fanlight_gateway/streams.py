"""Fan-out: each stream that somebody watches, received once and offered to every viewer's gate.

Lives on the worker's loop. Nothing here waits for a viewer: `offer` only queues, and each viewer
sends in a task of its own. Being subscribed to a lease and to units is the demand that makes an
encoder encode, so a stream exists only while it has viewers. Drops units of epochs that are over.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

import zmq.asyncio

from fanlight_common import clock
from fanlight_common.errors import ProtocolError
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.public import VideoUnit
from fanlight_common.sockets import Role
from fanlight_common.worker import Worker
from fanlight_gateway import metrics
from fanlight_gateway.gate import Gate, Unit
from fanlight_gateway.idr import IdrPolicy
from fanlight_gateway.inlets import Hold, Inlets
from fanlight_gateway.settings import GatewaySettings

log = logging.getLogger(__name__)
DEMAND_INTERVAL_S = 1.0
RATE_NEWS_SHARE = 0.03
"""A rate that changed by less waits for the next regular word."""


class Member(Protocol):
    """What a viewer's share says of its path."""

    @property
    def target_kbps(self) -> float:
        """What it takes."""

    @property
    def is_in_band(self) -> bool:
        """Is that enough for this stream, as far as its path has shown it?"""


class Subscriber(Member, Protocol):
    """A viewer's share in a stream, as the stream sees it."""

    gate: Gate

    def offer(self, unit: Unit, now_ms: float) -> None:
        """Queue a unit, without waiting."""

    def video_state(self, state: str) -> None:
        """`live` or `waiting`: is there an encoder?"""


def stream_kbps(members: Collection[Member]) -> int:
    """The least that a viewer can take, of those who can take this stream at all.

    The others have just come, or are about to move to a lower rendition, and do not count unless
    there is nobody else: one slow viewer changes nothing for the rest.
    """
    able = [member.target_kbps for member in members if member.is_in_band]
    return round(min(able or [member.target_kbps for member in members], default=0))


class Stream:
    """One desk in one rendition, while at least one viewer watches it."""

    def __init__(
        self,
        worker: Worker,
        inlets: Inlets,
        settings: GatewaySettings,
        group: asyncio.TaskGroup,
        name: str,
    ) -> None:
        self.viewers: set[Subscriber] = set()
        self._worker = worker
        self._inlet = Hold(inlets)
        self._group = group
        self._name = name
        self._topic = topics.unit(name)
        self._idr = IdrPolicy(settings.idr_retry_ms, settings.idr_interval_ms)
        self._lease: bus.LeaseRecord | None = None
        self._epoch = 0
        self._socket: zmq.asyncio.Socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._told: bus.StreamDemand | None = None
        """As the encoder was told last."""
        self._told_at = 0.0
        self._end_watch = worker.directory.watch(topics.lease(name), self._on_record)

    def close(self) -> None:
        """End the demand."""
        self._end_watch()
        self._disconnect()
        self._inlet.move("")

    def join(self, viewer: Subscriber) -> None:
        """One more viewer; it gets units from the next IDR on."""
        self.viewers.add(viewer)
        viewer.video_state(self._state())
        self.settle()

    def settle(self) -> None:
        """A gate may have changed: ask for an IDR, tell of room, where that is due."""
        lease = self._lease
        if lease is None or not lease.alive:
            return
        now = clock.now_s()
        gates = [viewer.gate for viewer in self.viewers]
        if self._idr.poll(any(gate.wants_idr(now * 1000) for gate in gates), now * 1000):
            if self._tell(bus.RequestIdr(self._name)):
                metrics.idr_requests.inc()
            else:  # the sockets have not found each other yet; the next tick tries again
                self._idr.reset()
        room = any(gate.has_room(now * 1000) for gate in gates)
        kbps = stream_kbps(self.viewers)
        in_band = any(viewer.is_in_band for viewer in self.viewers)
        demand = bus.StreamDemand(self._name, self._worker.id, room, kbps, in_band)
        if self._is_news(demand) or now - self._told_at >= DEMAND_INTERVAL_S:
            self._told, self._told_at = demand if self._tell(demand) else None, now

    def _is_news(self, demand: bus.StreamDemand) -> bool:
        told = self._told
        if told is None or (demand.room, demand.in_band) != (told.room, told.in_band):
            return True
        return abs(demand.kbps - told.kbps) > RATE_NEWS_SHARE * told.kbps

    def _state(self) -> str:
        return "live" if self._lease is not None and self._lease.alive else "waiting"

    def _tell(self, message: bus.RequestIdr | bus.StreamDemand) -> bool:
        return self._inlet.tell(bus.encode(message))

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.LeaseRecord):
            return
        old, before = self._lease, self._state()
        self._lease = record
        if record.alive:
            moved = old is None or (old.outlet, old.instance) != (record.outlet, record.instance)
            if moved or self._socket is None:
                self._connect(record)
            if moved or (old is not None and old.epoch != record.epoch):
                log.info(
                    "event=lease stream=%s encoder=%s epoch=%d",
                    self._name,
                    record.id,
                    record.epoch,
                )
                self._idr.reset()
                self._told = None
                self._interrupt(record.epoch)
        elif before == "live":
            log.info("event=lease stream=%s encoder=none", self._name)
        if self._state() != before:
            for viewer in self.viewers:
                viewer.video_state(self._state())
        self.settle()

    def _interrupt(self, epoch: int) -> None:
        """A new epoch: ask for its first IDR now, not when its first delta shows that it is one."""
        if epoch <= self._epoch:  # its units were faster than the record
            return
        for viewer in self.viewers:
            viewer.gate.interrupt()

    def _connect(self, lease: bus.LeaseRecord) -> None:
        self._disconnect()
        self._inlet.move(lease.inlet)
        self._socket = self._worker.transport.open(Role.UNITS)
        self._socket.subscribe(self._topic)
        self._worker.transport.connect(self._socket, lease.outlet)
        self._task = self._group.create_task(self._receive(self._socket))

    def _disconnect(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None

    async def _receive(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            parts = await socket.recv_multipart()
            try:
                self._dispatch(parts)
            except ProtocolError as error:
                metrics.refused.labels("unit").inc()
                log.debug("event=refused where=units reason=%r", str(error))

    def _dispatch(self, parts: list[bytes]) -> None:
        if len(parts) != 2:
            raise ProtocolError(f"unit: {len(parts)} parts, wants 2")
        data = parts[1]
        header = VideoUnit.decode(data)
        assert self._lease is not None
        if header.epoch < max(self._lease.epoch, self._epoch):
            metrics.units_dropped.labels("old_epoch").inc()
            return
        self._epoch = header.epoch
        unit = Unit(header.epoch, header.sequence, header.idr, data)
        if unit.idr:
            self._idr.came()
        now_ms = clock.now_s() * 1000
        for viewer in list(self.viewers):  # an IDR may let one leave for it
            viewer.offer(unit, now_ms)
        self.settle()


class StreamHub:
    """The streams that are watched through this gateway."""

    def __init__(
        self,
        worker: Worker,
        inlets: Inlets,
        settings: GatewaySettings,
        group: asyncio.TaskGroup,
    ) -> None:
        self._worker = worker
        self._inlets = inlets
        self._settings = settings
        self._group = group
        self._streams: dict[str, Stream] = {}

    def join(self, name: str, viewer: Subscriber) -> None:
        """`viewer` wants the units of this stream."""
        if name not in self._streams:
            self._streams[name] = Stream(
                self._worker, self._inlets, self._settings, self._group, name
            )
        self._streams[name].join(viewer)

    def leave(self, name: str, viewer: Subscriber) -> None:
        """`viewer` wants no more of them; the last one ends the demand."""
        stream = self._streams.get(name)
        if stream is None:  # the gateway has ended all demand already
            return
        stream.viewers.discard(viewer)
        if not stream.viewers:
            del self._streams[name]
            stream.close()

    def settle(self, name: str) -> None:
        """A gate on this stream has changed."""
        if name in self._streams:
            self._streams[name].settle()

    def is_shared(self, name: str) -> bool:
        """Do several of this gateway's viewers watch this stream?"""
        return name in self._streams and len(self._streams[name].viewers) > 1

    def tick(self) -> None:
        """Several times a second: windows close, and requests become due, by time alone."""
        for stream in list(self._streams.values()):
            stream.settle()

    def close(self) -> None:
        """End all demand."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
