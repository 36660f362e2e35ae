"""Fan-out: each stream that somebody watches, received once and offered to every viewer's gate.

Lives on the worker's loop. Nothing here waits for a viewer: `offer` queues, and sends at once where
the viewer's path and socket have room. A viewer for whom that raises an error is ended, and nobody
else. Being subscribed to a lease and to units is the demand that
makes an encoder encode, so a stream exists only while it has viewers. Drops units of epochs that
are over, and those of an encoder that is not to be heard yet (see `handover`).
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Protocol

from fanlight_common.process import clock
from fanlight_common.process.worker import Worker
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import VideoUnit
from fanlight_gateway import metrics
from fanlight_gateway.core.gate import Gate
from fanlight_gateway.core.handover import Handover, News, Verdict
from fanlight_gateway.core.idr_requests import IdrPolicy
from fanlight_gateway.core.paint_lag import History
from fanlight_gateway.core.unit import Unit
from fanlight_gateway.settings import GatewaySettings
from fanlight_gateway.streams.inlets import Inlets
from fanlight_gateway.streams.unit_source import Source

log = logging.getLogger(__name__)
_FEW = 8
_PAUSE_S = 20e-6
"""For each viewer: looking at one takes some microseconds."""


class Subscriber(Protocol):
    """A viewer's part in a stream, as the stream sees it."""

    gate: Gate

    @property
    def target_kbps(self) -> float:
        """What the viewer's path carries."""

    @property
    def is_in_band(self) -> bool:
        """Is the path known, and does it carry enough for this stream?"""

    send_unit: Callable[[bytes], None]
    """Sends what `offer` returned."""

    def offer(self, unit: Unit, now_ms: float) -> bytes | None:
        """Queue a unit, or return what is to be sent at once: the unit as the transport wants
        it."""

    def failed(self, error: Exception) -> None:
        """A method of this object raised `error`: the viewer has to end."""

    def video_state(self, state: str) -> None:
        """The stream has an encoder (`live`) or none (`waiting`)."""


def stream_kbps(members: Collection[Subscriber]) -> int:
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
        self.viewers: dict[Subscriber, None] = {}
        """In the order in which they came, about as they lie in memory: 0.6 us less each."""
        self.history = History()
        self._kbps: tuple[int, bool] | None = None
        """What the viewers' paths take, and whether that of any is known; None: to be asked."""
        self._worker = worker
        self._inlets = inlets
        self._group = group
        self._name = name
        self._settings = settings
        self._is_leased = False
        self._settling: asyncio.TimerHandle | None = None
        self._handover = Handover()
        self._sources: dict[str, Source] = {}
        """By instance: the encoder that is heard, and the one that is to be."""
        self._end_watch = worker.directory.watch(topics.lease(name), self._on_record)

    def close(self) -> None:
        """End the demand."""
        self._end_watch()
        if self._settling is not None:
            self._settling.cancel()
        for source in self._sources.values():
            source.close()
        self._sources.clear()

    def join(self, viewer: Subscriber) -> None:
        """One more viewer; it gets units from the next IDR on."""
        self.viewers[viewer] = None
        viewer.video_state(self._state())
        self.rate_changed()
        self.settle()

    def rate_changed(self) -> None:
        """A path takes more or less than before, or is another's."""
        self._kbps = None

    def settle(self) -> None:
        """A gate may have changed: ask for an IDR, tell of room, where that is due.

        At once where there are few viewers. It looks at all of them, and each of their
        acknowledgements leads here: with hundreds, what comes within some milliseconds is settled
        together.
        """
        if self._settling is not None:
            return
        if len(self.viewers) <= _FEW:
            self._settle()
        else:
            pause_s = _PAUSE_S * len(self.viewers)
            self._settling = asyncio.get_running_loop().call_later(pause_s, self._settle)

    def _settle(self) -> None:
        self._settling = None
        newest = self._handover.newest
        # None either where what just came was the last viewer's reason to leave.
        source = None if newest is None else self._sources.get(newest.instance)
        if source is None or not self._is_leased:
            return
        now = clock.now_s()
        wanted, room = self._wishes(now * 1000)
        if self._kbps is None:
            in_band = any(viewer.is_in_band for viewer in self.viewers)
            self._kbps = stream_kbps(self.viewers), in_band
        kbps, in_band = self._kbps
        demand = bus.StreamDemand(self._name, self._worker.id, room, kbps, in_band)
        # Of two encoders the newer one: its first IDR is on its way, and is for everybody.
        source.ask(wanted or self._handover.misses_idr, now)
        for each in self._sources.values():
            each.demand(demand, now)

    def _wishes(self, now_ms: float) -> tuple[bool, bool]:
        """Would an IDR help a viewer, and has one room?"""
        wanted = room = False
        for viewer in list(self.viewers):
            gate = viewer.gate
            try:
                wanted = wanted or (not gate.is_open and gate.wants_idr(now_ms))
                room = room or gate.has_room(now_ms)
            except Exception as error:  # noqa: BLE001 - ends the viewer it is about
                viewer.failed(error)
        return wanted, room

    def _state(self) -> str:
        return "live" if self._is_leased else "waiting"

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.LeaseRecord):
            return
        before = self._state()
        self._is_leased = record.alive
        if record.alive:
            self._leased(record)
        elif before == "live":
            log.info("event=lease stream=%s encoder=none", self._name)
        if self._state() != before:
            for viewer in list(self.viewers):
                try:
                    viewer.video_state(self._state())
                except Exception as error:  # noqa: BLE001 - ends the viewer it is about
                    viewer.failed(error)
        self.settle()

    def _leased(self, record: bus.LeaseRecord) -> None:
        epoch_before = self._handover.newest.epoch if self._handover.newest else 0
        news = self._handover.leased(record)
        if news is News.STALE:
            log.warning(
                "event=lease_ignored stream=%s encoder=%s epoch=%d newer=%d",
                *(self._name, record.id, record.epoch, epoch_before),
            )
            return
        self._keep_sources()
        if record.epoch != epoch_before or news is not News.NOTHING:
            log.info(
                "event=lease stream=%s encoder=%s epoch=%d news=%s",
                *(self._name, record.id, record.epoch, news.value),
            )
            self._sources[record.instance].begin_anew()
        if news is News.CUT:
            # Ask for its first IDR now, not when its first delta shows that it is another.
            for viewer in self.viewers:
                viewer.gate.interrupt()

    def _keep_sources(self) -> None:
        """Exactly those encoders that are heard, or are to be."""
        leases = [self._handover.now, self._handover.coming]
        wanted = {lease.instance: lease for lease in leases if lease is not None}
        for instance in self._sources.keys() - wanted.keys():
            self._sources.pop(instance).close()
        for instance, lease in wanted.items():
            if instance not in self._sources:
                idr = IdrPolicy(self._settings.idr_retry_ms, self._settings.idr_interval_ms)
                self._sources[instance] = Source(
                    self._worker, self._inlets, self._group, lease, idr, self._on_unit
                )

    def _on_unit(self, source: Source, unit: VideoUnit, data: bytes) -> None:
        verdict = self._handover.unit(source.instance, unit.epoch, idr=unit.idr)
        if verdict is Verdict.OLD or verdict is Verdict.EARLY:
            metrics.units_dropped.labels(f"{verdict.value}_epoch").inc()
        else:
            if verdict is Verdict.FIRST:
                self._keep_sources()
            if unit.idr:
                source.came()
            passed = Unit(unit.epoch, unit.sequence, unit.idr, data)
            age_us = self._worker.now_us() - unit.captured_us
            metrics.arrival_age_seconds.observe(max(0, age_us) / 1e6)
            self._pass_on(passed, clock.now_s() * 1000)
        self.settle()

    def _pass_on(self, unit: Unit, now_ms: float) -> None:
        """Offer the unit to every viewer's gate, and send it to those whose path has room.

        A unit is dropped for a slow viewer in the viewer's gate (`gate.Gate.offer`), not here.
        """
        self.history.add(unit.label, now_ms)
        due: list[tuple[Callable[[bytes], None], bytes, Subscriber]] = []
        for viewer in list(self.viewers):  # a copy, because an IDR may let a viewer leave
            try:
                encoded = viewer.offer(unit, now_ms)
            except Exception as error:  # noqa: BLE001 - ends the viewer it is about
                viewer.failed(error)
            else:
                if encoded is not None:
                    due.append((viewer.send_unit, encoded, viewer))
        # In a loop of its own, so that the processor's caches hold either our code or the kernel's.
        for send_unit, encoded, viewer in due:
            try:
                send_unit(encoded)
            except Exception as error:  # noqa: BLE001 - ends the viewer it is about
                viewer.failed(error)
        # Those who were sent it at once are counted together.
        count = len(due)
        metrics.units_sent.inc(count)
        metrics.video_bytes.inc(count * unit.size_bytes)
        metrics.queue_seconds.observe_many(0.0, count)


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
        stream.viewers.pop(viewer, None)
        stream.rate_changed()
        if not stream.viewers:
            del self._streams[name]
            stream.close()

    def settle(self, name: str) -> None:
        """A gate on this stream has changed."""
        if name in self._streams:
            self._streams[name].settle()

    def rate_changed(self, name: str) -> None:
        """What a viewer's path takes has changed."""
        if name in self._streams:
            self._streams[name].rate_changed()

    def history(self, name: str) -> History | None:
        """What this stream had lately; None: it is not watched."""
        return self._streams[name].history if name in self._streams else None

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
