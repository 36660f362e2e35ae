"""One direction of a link, as a model: when does a packet leave it, or is it dropped?

Pure: time is an argument (monotonic seconds, never running backwards) and chance is a seeded
generator. The forwarder puts real packets through two of these; a simulation of a congestion
controller can put anything through, in virtual time:

    link = Direction[int](Conditions(rate_mbit=1, delay_ms=50))
    link.send(0.0, 7, size_bytes=1250)  # True: on its way; False: dropped
    link.next_at()                      # 0.06: 10 ms to serialise, 50 ms on the way
    link.take(0.06)                     # [(0.06, 7)]

A packet first waits in a drop-tail queue for its turn at the rate, then flies for the delay. Order
is kept whatever the jitter and however the conditions change.
"""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one direction. Raises ValueError if they make no sense."""

    rate_mbit: float | None = None
    """Mbit/s of IP packets with their headers; None is no limit."""
    delay_ms: float = 0.0
    """Time that a packet takes after the queue."""
    jitter_ms: float = 0.0
    """Each packet has up to this much more delay, uniformly. A packet behind a late one is late
    too."""
    loss: float = 0.0
    """Probability that a packet is lost on arrival, 0 to 1."""
    queue_ms: float = 500.0
    """A packet that would wait longer than this for its turn is dropped."""
    cut: bool = False
    """Nothing passes, and what was on its way when the link was cut is lost."""

    def __post_init__(self) -> None:
        if self.rate_mbit is not None and not self.rate_mbit > 0:
            raise ValueError(f"rate_mbit is {self.rate_mbit}, not above 0 (cut=True stops a link)")
        for name in ("delay_ms", "jitter_ms", "queue_ms"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}, below 0")
        if not 0 <= self.loss <= 1:
            raise ValueError(f"loss is {self.loss}, not from 0 to 1")


@dataclass(slots=True)
class Counters:
    """What has become of the packets so far."""

    carried_packets: int = 0
    carried_bytes: int = 0
    lost_packets: int = 0
    """Dropped by chance."""
    overflow_packets: int = 0
    """Dropped because the queue was full."""
    cut_packets: int = 0
    """Dropped because the link was cut."""
    dropped_bytes: int = 0

    @property
    def dropped_packets(self) -> int:
        """Return how many packets were dropped, for any reason."""
        return self.lost_packets + self.overflow_packets + self.cut_packets


@dataclass(slots=True)
class Reading(Counters):
    """Counters and gauges at one moment."""

    at: float = 0.0
    """When it was read (monotonic seconds)."""
    queue_ms: float = 0.0
    """How long a packet that arrives at that moment would wait."""
    late_ms: float = 0.0
    """How late a packet was delivered at most since the reading before. This is load on the
    machine, and it distorts the link."""

    def mbit_since(self, before: "Reading") -> float:
        """Return the Mbit/s carried on average since an earlier reading."""
        return (self.carried_bytes - before.carried_bytes) * 8e-6 / (self.at - before.at)


@dataclass(slots=True)
class _Waiting(Generic[P]):
    packet: P
    size_bytes: int
    chance: float
    """Which part of the jitter it gets, 0 to 1."""


@dataclass(slots=True)
class Direction(Generic[P]):
    """One direction: a queue, a rate and a delay. `P` is whatever stands for a packet."""

    conditions: Conditions = Conditions()
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    counters: Counters = field(default_factory=Counters)
    _queue: deque[_Waiting[P]] = field(default_factory=deque)
    _queued_bytes: int = 0
    _head_done: float = 0.0
    """The time at which the head of the queue will be serialised."""
    _flying: deque[tuple[float, P, int]] = field(default_factory=deque)
    _last_due: float = 0.0

    def send(self, now: float, packet: P, size_bytes: int) -> bool:
        """Let a packet arrive. Return False if it is dropped."""
        self._serve(now)
        conditions, counters = self.conditions, self.counters
        if conditions.cut:
            counters.cut_packets += 1
        elif conditions.loss and self.rng.random() < conditions.loss:
            counters.lost_packets += 1
        elif self._wait_s(now) * 1e3 > conditions.queue_ms:
            counters.overflow_packets += 1
        else:
            if not self._queue:
                self._head_done = now + size_bytes * self._s_per_byte()
            chance = self.rng.random() if conditions.jitter_ms else 0.0
            self._queue.append(_Waiting(packet, size_bytes, chance))
            self._queued_bytes += size_bytes
            return True
        counters.dropped_bytes += size_bytes
        return False

    def next_at(self) -> float | None:
        """Return when the next packet is delivered if no condition changes; None without one."""
        if self._flying:
            return self._flying[0][0]
        return self._due(self._queue[0]) if self._queue else None

    def take(self, now: float) -> list[tuple[float, P]]:
        """Remove and return the packets delivered by now, oldest first, and when they were due."""
        self._serve(now)
        taken = []
        while self._flying and self._flying[0][0] <= now:
            due, packet, size_bytes = self._flying.popleft()
            self.counters.carried_packets += 1
            self.counters.carried_bytes += size_bytes
            taken.append((due, packet))
        return taken

    def set(self, now: float, conditions: Conditions) -> None:
        """Change the conditions from now on.

        The queue is served at the new rate. A packet that has left it arrives when it would have. A
        queue that a falling rate makes longer than `queue_ms` drains as it is.
        """
        self._serve(now)
        before = self._s_per_byte()
        self.conditions = conditions
        if conditions.cut:
            self._lose_all()
        elif self._queue:  # a queue means that there was a rate
            self._head_done = now + (self._head_done - now) / before * self._s_per_byte()

    def queue_ms(self, now: float) -> float:
        """Return how long a packet that arrives now would wait for its turn."""
        self._serve(now)
        return self._wait_s(now) * 1e3

    def _serve(self, now: float) -> None:
        """Move the packets whose turn has come from the queue to the delay."""
        while self._queue and self._head_done <= now:
            head = self._queue[0]
            self._last_due = self._due(head)
            self._flying.append((self._last_due, head.packet, head.size_bytes))
            self._queue.popleft()
            self._queued_bytes -= head.size_bytes
            if self._queue:
                self._head_done += self._queue[0].size_bytes * self._s_per_byte()

    def _due(self, head: _Waiting[P]) -> float:
        on_the_way_ms = self.conditions.delay_ms + head.chance * self.conditions.jitter_ms
        return max(self._last_due, self._head_done + on_the_way_ms * 1e-3)

    def _wait_s(self, now: float) -> float:
        if not self._queue:
            return 0.0
        behind_head_bytes = self._queued_bytes - self._queue[0].size_bytes
        return max(0.0, self._head_done - now + behind_head_bytes * self._s_per_byte())

    def _s_per_byte(self) -> float:
        rate_mbit = self.conditions.rate_mbit
        return 8e-6 / rate_mbit if rate_mbit else 0.0

    def _lose_all(self) -> None:
        self.counters.cut_packets += len(self._queue) + len(self._flying)
        self.counters.dropped_bytes += self._queued_bytes + sum(f[2] for f in self._flying)
        self._queue.clear()
        self._flying.clear()
        self._queued_bytes = 0
        self._last_due = 0.0  # no packet is left that could be overtaken
