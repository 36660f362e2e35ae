"""A directory and everybody who talks to it, in virtual time, without sockets and sleeps.

The registry is the real one. The others do with its records what the real ones do: a gateway
subscribes once to each stream that its viewers watch, and connects to the encoder that the lease
names. An encoder to which somebody is connected watches the lease, and encodes while the lease is
its own. Messages take LATENCY_S, heartbeats may be lost, and a directory that comes back gets each
subscription again.
"""

import heapq
import itertools
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from bench.scale.members import Desk, Encoder, Gateway, Process
from fanlight_common.protocol import bus, topics
from fanlight_directory.core.effects import Effect, Leased, Publish
from fanlight_directory.core.placement import Rules
from fanlight_directory.core.registry import Registry, Timing

LATENCY_S = 0.002
BEAT_S = 0.25
TICK_S = 0.1
TIMING = Timing(timeout_s=1.0, settle_s=1.0, grace_s=2.0, forget_s=3600.0)
RECONNECT_S = (0.05, 0.5)
UNIX = 1_700_000_000


@dataclass
class Watched:
    """A stream that somebody watches: since when it does not work, and why."""

    broken_at: float | None
    why: str
    directory_away: bool
    """Whether there was no settled directory at some time since then."""
    desk_away: bool = False
    """Whether there was no capture at some time since then. A new directory does not know the desk
    then."""


class World:
    """Everybody, and virtual time: `at` plans what happens later, and `run` lets time pass."""

    def __init__(self, rng: random.Random, rules: Rules, lost_share: float) -> None:
        self.now = 0.0
        self.rng = rng
        self.rules = rules
        self.lost_share = lost_share
        self.processes: dict[str, Process] = {}
        self.registry: Registry | None = Registry(TIMING, 0.0, rules)
        self.settled_at = TIMING.settle_s + TICK_S
        self.watched: dict[str, Watched] = {}
        """The streams that somebody watches."""
        self.repairs: defaultdict[str, list[float]] = defaultdict(list)
        """Seconds in which a stream did not work, by cause."""
        self.overlaps_s: list[float] = []
        """Seconds in which two encoders encoded one stream, one of them for nobody."""
        self.violations: list[str] = []
        self.counts: Counter[str] = Counter()
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        """CPU seconds that the registry took, by what was done."""
        self._subscribers: defaultdict[bytes, set[str]] = defaultdict(set)
        self._epochs: dict[str, int] = {}
        self._holders: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._overlap_at: dict[str, float] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.at(TICK_S, self._tick)

    # --- time

    def at(self, delay_s: float, what: Callable[[], None]) -> None:
        """Plan `what` for `delay_s` from now."""
        heapq.heappush(self._events, (self.now + delay_s, next(self._order), what))

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = end

    @property
    def unix_s(self) -> int:
        """Return the directory's wall clock."""
        return UNIX + int(self.now)

    @property
    def is_settled(self) -> bool:
        """Return whether there is a directory that gives leases."""
        return self.registry is not None and self.now >= self.settled_at

    # --- processes

    def start(self, process: Process) -> None:
        """Start a process, or start it again as another instance, and let it send heartbeats."""
        process.instance += 1
        process.runs = process.connected = True
        process.reached_at = process.well_since = self.now
        self.processes[process.id] = process
        instance = process.instance
        self.at(self.rng.uniform(0, BEAT_S), lambda: self._beats(process, instance))

    def end(self, process: Process, why: str) -> None:
        """End a process, by a farewell or in silence."""
        if why == "farewell":
            farewell = bus.Farewell(process.id, str(process.instance))
            self._to_directory(process, "farewell", lambda r: r.farewell(farewell, *self._times()))
        process.runs = False
        for topic in [t for t, who in self._subscribers.items() if process.id in who]:
            self.unsubscribe(process, topic)
        if isinstance(process, Encoder):
            for stream in list(process.held):
                self._let_go(process, stream)
                self.broken(stream, why)
            process.gateways.clear()
        if isinstance(process, Gateway):
            for stream in list(process.viewers):
                self._leave(process, stream)
        if isinstance(process, Desk):
            self._desk_gone(process)

    def cut_off(self, process: Process, seconds: float) -> None:
        """For a while, lose all messages from and to a process."""
        process.connected = False
        instance = process.instance
        if isinstance(process, Desk):
            self._desk_gone(process)
        if isinstance(process, Encoder):
            for stream in process.held:
                self.broken(stream, "silence")

        def back() -> None:
            if process.instance == instance and process.runs:
                process.connected, process.well_since = True, self.now
                self._resubscribe(process)

        self.at(seconds, back)

    def directory_away(self, seconds: float) -> None:
        """Kill the directory, and start another one after a while."""
        self.registry = None
        for watched in self.watched.values():
            watched.directory_away = True

        def back() -> None:
            self.registry = Registry(TIMING, self.now, self.rules)
            self.settled_at = self.now + TIMING.settle_s + TICK_S
            for process in self.processes.values():
                delay_s = self.rng.uniform(*RECONNECT_S)
                process.reached_at = self.now + delay_s
                self.at(delay_s, lambda p=process: self._resubscribe(p))  # type: ignore[misc]

        self.at(seconds, back)

    # --- viewers

    def join(self, gateway: Gateway, stream: str) -> None:
        """Add a viewer of a stream to a gateway."""
        gateway.viewers[stream] += 1
        if gateway.viewers[stream] > 1:
            return
        if stream not in self.watched:
            self.watched[stream] = Watched(None, "", False)
            self.broken(stream, "asked")
        self.subscribe(gateway, topics.lease(stream))

    def leave(self, gateway: Gateway, stream: str) -> None:
        """Remove a viewer of a stream from a gateway."""
        if gateway.viewers[stream] > 1:
            gateway.viewers[stream] -= 1
        elif gateway.viewers[stream] == 1:
            self._leave(gateway, stream)

    def _leave(self, gateway: Gateway, stream: str) -> None:
        del gateway.viewers[stream]
        self.unsubscribe(gateway, topics.lease(stream))
        lease = gateway.leases.pop(stream, None)
        if lease is not None:
            self._disconnect(gateway, lease)
        if not any(g.viewers[stream] for g in self._gateways(stream)):
            self.watched.pop(stream, None)

    def _gateways(self, stream: str) -> list[Gateway]:
        who = self._subscribers.get(topics.lease(stream), ())
        found = [self.processes[id_] for id_ in who]
        return [process for process in found if isinstance(process, Gateway)]

    def broken(self, stream: str, why: str) -> None:
        """Note that a stream does not work from now on, if somebody watches it."""
        watched = self.watched.get(stream)
        if watched is not None and watched.broken_at is None:
            watched.broken_at, watched.why = self.now, why
            watched.directory_away = not self.is_settled
            watched.desk_away = not self.processes[f"capture-{stream.split('/')[0]}"].is_online

    def _desk_gone(self, desk: Desk) -> None:
        for stream, watched in self.watched.items():
            if f"capture-{stream.split('/')[0]}" == desk.id:
                watched.desk_away = True

    def _look_at(self, stream: str) -> None:
        """Note how long a stream did not work, if it works for all of its gateways now."""
        watched = self.watched.get(stream)
        if watched is None or watched.broken_at is None:
            return
        for gateway in self._gateways(stream):
            lease = gateway.leases.get(stream)
            holder = self.processes.get(lease.id) if lease else None
            if not isinstance(holder, Encoder) or not holder.is_online:
                return
            if lease is None or holder.held.get(stream) != lease.epoch:
                return
        why = "directory away" if watched.directory_away else watched.why
        why = "desk away" if watched.desk_away else why
        self.repairs[why].append(self.now - watched.broken_at)
        watched.broken_at = None

    # --- the bus

    def subscribe(self, process: Process, topic: bytes) -> None:
        """Subscribe a process. The directory gets every subscription (XPUB_VERBOSE)."""
        self._subscribers[topic].add(process.id)
        self._to_directory(process, "subscribed", lambda r: r.subscribed(topic, *self._times()))

    def unsubscribe(self, process: Process, topic: bytes) -> None:
        """Unsubscribe a process. The directory only learns that the last subscriber has gone."""
        self._subscribers[topic].discard(process.id)
        if not self._subscribers[topic]:
            del self._subscribers[topic]

            def gone(registry: Registry) -> list[Effect]:
                if not self._subscribers.get(topic):
                    registry.unsubscribed(topic, self.now)
                return []

            # The end of a connection also ends its subscriptions, so this arrives in any case.
            self._to_directory(process, "unsubscribed", gone, always=True)

    def _resubscribe(self, process: Process) -> None:
        for topic in [t for t, who in self._subscribers.items() if process.id in who]:
            self.subscribe(process, topic)

    def _times(self) -> tuple[float, int]:
        return self.now, self.unix_s

    def _beats(self, process: Process, instance: int) -> None:
        if process.runs and process.instance == instance:
            self._announce(process)
            self.at(BEAT_S, lambda: self._beats(process, instance))

    def _announce(self, process: Process) -> None:
        if self.rng.random() < self.lost_share:
            self.counts["heartbeats lost"] += 1
            return
        beat = process.beat()
        self._to_directory(
            process, f"heartbeat of {beat.kind}", lambda r: r.heartbeat(beat, *self._times())
        )

    def _to_directory(
        self,
        process: Process,
        what: str,
        tell: Callable[[Registry], list[Effect]],
        always: bool = False,
    ) -> None:
        connected = always or process.is_online

        def arrives() -> None:
            if connected and self.registry is not None and self.now >= process.reached_at:
                self._do(what, tell)

        self.at(LATENCY_S, arrives)

    def _do(self, what: str, step: Callable[[Registry], list[Effect]]) -> None:
        assert self.registry is not None
        began = time.thread_time()
        effects = step(self.registry)
        self.spent_s[what] += time.thread_time() - began
        self.counts[what] += 1
        for effect in effects:
            if isinstance(effect, Publish):
                self._published(effect)
            elif isinstance(effect, Leased):
                self.counts[f"leases {effect.reason}"] += 1

    def _tick(self) -> None:
        if self.registry is not None:
            self._do("tick", lambda r: r.tick(*self._times()))
        self.at(TICK_S, self._tick)

    def _published(self, publish: Publish) -> None:
        who = set(self._subscribers.get(publish.topic, ()))
        for prefix in (topics.DESKS,):
            if publish.topic.startswith(prefix):
                who |= self._subscribers.get(prefix, set())
        self.counts["records published"] += 1
        self.counts["records delivered"] += sum(self._is_reached(id_) for id_ in who)
        record = publish.record
        if isinstance(record, bus.LeaseRecord):
            if record.epoch < self._epochs.get(record.stream, 0):
                self.violations.append(f"{self.now:.3f} {record.stream}: epoch {record.epoch}")
            self._epochs[record.stream] = record.epoch
            self.at(LATENCY_S, lambda: self._lease_known(record, who))

    def _is_reached(self, id_: str) -> bool:
        process = self.processes[id_]
        return process.is_online and process.reached_at <= self.now

    def _lease_known(self, record: bus.LeaseRecord, who: set[str]) -> None:
        """Hand a lease to its subscribers.

        An encoder to which no gateway is connected yet does not watch the lease.
        """
        # sorted, so that each run is the same
        for process in [self.processes[id_] for id_ in sorted(who)]:
            if not process.is_online:
                continue
            if isinstance(process, Gateway) and process.viewers[record.stream]:
                self._follow(process, record)
            elif isinstance(process, Encoder) and record.stream in process.gateways:
                self._apply_lease(process, record)
        self._look_at(record.stream)

    # --- gateways and encoders

    def _follow(self, gateway: Gateway, record: bus.LeaseRecord) -> None:
        before = gateway.leases.get(record.stream)
        gateway.leases[record.stream] = record
        if before is not None and (before.id, before.instance) != (record.id, record.instance):
            self._disconnect(gateway, before)
            before = None
        encoder = self.processes.get(record.id)
        if before is None and isinstance(encoder, Encoder) and encoder.runs:
            self.at(LATENCY_S, lambda: self._connected(gateway, encoder, record))

    def _connected(self, gateway: Gateway, encoder: Encoder, record: bus.LeaseRecord) -> None:
        lease = gateway.leases.get(record.stream)
        if lease is None or lease.instance != record.instance or not encoder.runs:
            return
        if lease.id != record.id:
            return
        wanted = encoder.gateways.setdefault(record.stream, set())
        wanted.add(gateway.id)
        if len(wanted) == 1:
            self.subscribe(encoder, topics.lease(record.stream))
        self._look_at(record.stream)

    def _disconnect(self, gateway: Gateway, record: bus.LeaseRecord) -> None:
        encoder = self.processes.get(record.id)
        if not isinstance(encoder, Encoder) or record.stream not in encoder.gateways:
            return
        encoder.gateways[record.stream].discard(gateway.id)
        if not encoder.gateways[record.stream]:
            del encoder.gateways[record.stream]
            self.unsubscribe(encoder, topics.lease(record.stream))
            self._let_go(encoder, record.stream)

    def _apply_lease(self, encoder: Encoder, record: bus.LeaseRecord) -> None:
        mine = (record.id, record.instance) == (encoder.id, str(encoder.instance))
        if not (record.alive and mine):
            if record.stream in encoder.held:
                self.broken(record.stream, "moved")
            self._let_go(encoder, record.stream)
        elif encoder.held.get(record.stream) != record.epoch:
            holders = self._holders[record.stream]
            others = [id_ for id_ in holders if id_ != encoder.id]
            if any(holders[id_] == record.epoch for id_ in others):
                self.violations.append(f"{self.now:.3f} {record.stream}: two at {record.epoch}")
            if others:
                self._overlap_at.setdefault(record.stream, self.now)
            holders[encoder.id] = encoder.held[record.stream] = record.epoch
            self.subscribe(encoder, topics.desk(record.stream.split("/")[0]))
            self.at(0.0, lambda: self._announce(encoder) if encoder.runs else None)
        self._look_at(record.stream)

    def _let_go(self, encoder: Encoder, stream: str) -> None:
        if encoder.held.pop(stream, None) is None:
            return
        holders = self._holders[stream]
        del holders[encoder.id]
        if len(holders) < 2 and stream in self._overlap_at:
            self.overlaps_s.append(self.now - self._overlap_at.pop(stream))
        desk = stream.split("/")[0]
        if encoder.runs and not any(s.startswith(f"{desk}/") for s in encoder.held):
            self.unsubscribe(encoder, topics.desk(desk))
        if encoder.runs:
            self.at(0.0, lambda: self._announce(encoder) if encoder.runs else None)
