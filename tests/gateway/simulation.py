"""A stream, a gate and a viewer over a simulated link, in virtual time.

The transport between them behaves like TCP: packets have 1448 bytes and are delivered in order. A
packet that the link drops is sent again a round trip later, and those behind it wait. There is no
congestion window, so that only the gateway's own rules limit what is sent. The encoder fills the
rate that it is told, or less.
The simulation counts whole milliseconds, so that it is exact; the gateway is told seconds.
"""

import random
import statistics
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from fanlight_gateway.core.congestion import Congestion, CongestionLimits
from fanlight_gateway.core.gate import Drop, Gate, GateLimits
from fanlight_gateway.core.unit import Unit
from tests.gateway.acks import Acks, Told
from tests.netlab.model import Conditions, Direction

PACKET_BYTES = 1448
HEADER_BYTES = 52
TICK_MS = 100
ACK_BYTES = 80
DECODE_MS = 8

CONGESTION = CongestionLimits()
GATE = GateLimits()

Size = Callable[[float], int]
"""Bytes of the next unit, given the target rate (kbit/s)."""


def clip(fps: float = 30, seed: int = 1, ceiling_kbps: float = 16_000) -> Size:
    """Return the sizes of something that always moves: what the rate allows, a bit more or less."""
    rng = random.Random(seed)
    return lambda kbps: int(min(kbps, ceiling_kbps) * 125 / fps * rng.uniform(0.7, 1.3))


def typing(_kbps: float) -> int:
    """Return the size of something small, whatever the rate."""
    return 900


@dataclass
class Simulation:
    """One viewer. Run it for a while, then look at `ages_ms`."""

    down: Conditions
    up: Conditions
    size: Size
    fps: float = 30
    idr_bytes: int = 30_000
    drops: dict[Drop, int] = field(default_factory=dict)
    ages_ms: list[tuple[float, float]] = field(default_factory=list)
    """For every millisecond: the time, and the age of the picture on the screen, both in ms."""
    targets_kbps: list[tuple[float, float]] = field(default_factory=list)
    queues_ms: list[tuple[float, float]] = field(default_factory=list)
    """The link's queue, by time, both in ms."""
    sent_bytes: int = 0
    skipped: int = 0
    idrs: int = 0
    acks: int = 0

    def __post_init__(self) -> None:
        self.congestion = Congestion(CONGESTION)
        self.gate = Gate(GATE, self.congestion, self._dropped)
        self.now_ms = 0
        self._forward: Direction[tuple[int, bytes | None, float, int]] = Direction(self.down)
        self._back: Direction[tuple[int, int]] = Direction(self.up)
        self._captured: dict[int, float] = {}
        self._sequence = 0
        self._next_frame_ms = 0.0
        self._outgoing: deque[tuple[int, int]] = deque()
        self._resend: list[tuple[float, int]] = []
        self._packets: dict[int, int] = {}
        """For each packet: the unit that it completes, or 0."""
        self._next_packet = 0
        self._arrived: set[int] = set()
        self._expected = 0
        self._painting: deque[tuple[float, int]] = deque()
        self._shown_ms = 0.0
        self._relaxed: set[int] = set()
        self._acks = Acks()

    def change(self, down: Conditions) -> None:
        """Let the link have other conditions from now on."""
        self._forward.set(self.now_ms / 1000, down)

    def run(self, seconds: float) -> None:
        """Run in steps of a millisecond."""
        for _ in range(int(seconds * 1000)):
            self._step()

    def ages(self, since_s: float = 0) -> list[float]:
        """Return the ages from `since_s` on, sorted, in ms."""
        return sorted(age for at, age in self.ages_ms if at >= since_s * 1000)

    def median(self, since_s: float = 0) -> float:
        """Return the median of the ages, in ms."""
        return statistics.median(self.ages(since_s))

    def p95(self, since_s: float = 0) -> float:
        """Return the 95th percentile of the ages, in ms."""
        ages = self.ages(since_s)
        return ages[int(0.95 * len(ages))]

    def _step(self) -> None:
        self.now_ms += 1
        now = self.now_ms
        if now >= self._next_frame_ms:
            self._next_frame_ms += 1000 / self.fps
            self._encode(now)
        if now % TICK_MS == 0:
            self.congestion.tick(now / 1000)
            self.targets_kbps.append((now, self.congestion.target_kbps))
            self.queues_ms.append((now, self._forward.queue_ms(now / 1000)))
        while (unit := self.gate.take(now / 1000)) is not None:
            if self.gate.is_relaxed:
                self._relaxed.add(unit.sequence)
            self._send(unit.data, now)
        self._carry(now)
        self.ages_ms.append((now, now - self._shown_ms))

    def _encode(self, now: float) -> None:
        if not self.gate.has_room(now / 1000):
            self.skipped += 1
            return
        idr = self.gate.wants_idr(now / 1000)
        self._sequence += 1
        target = self.congestion.target_kbps
        # An IDR is as large as the encoder's buffer allows: a tenth of a second of the rate.
        size = min(self.idr_bytes, max(6000, int(target * 12.5))) if idr else self.size(target)
        self.idrs += idr
        self._captured[self._sequence] = now
        data = self._sequence.to_bytes(4, "little") + bytes(max(20, size))
        self.gate.offer(Unit(1, self._sequence, idr, data), now / 1000)

    def _send(self, data: bytes, now: float) -> None:
        sequence = int.from_bytes(data[:4], "little")
        self.sent_bytes += len(data)
        count = -(-len(data) // PACKET_BYTES)
        for index in range(count):
            self._packets[self._next_packet] = sequence if index == count - 1 else 0
            self._put(self._next_packet, now)
            self._next_packet += 1

    def _put(self, packet: int, now: float) -> None:
        if not self._forward.send(now / 1000, (packet, None, now, 0), PACKET_BYTES + HEADER_BYTES):
            round_trip = self._forward.conditions.delay_ms + self._back.conditions.delay_ms
            self._resend.append((now + max(30, 1.2 * round_trip), packet))

    def _carry(self, now: float) -> None:
        due = [packet for at, packet in self._resend if at <= now]
        self._resend = [(at, packet) for at, packet in self._resend if at > now]
        for packet in due:
            self._put(packet, now)
        for _, (packet, _, _, _) in self._forward.take(now / 1000):
            self._arrived.add(packet)
        for sequence in self._in_order():
            self._painting.append((now + DECODE_MS, sequence))
            self._acks.received(1, sequence, sequence in self._relaxed, now)
        while self._painting and self._painting[0][0] <= now:
            painted = self._painting.popleft()[1]
            self._shown_ms = self._captured[painted]
            self._acknowledge(self._acks.painted(1, painted, now), now)
        self._acknowledge(self._acks.due(now), now)
        for _, (received, painted) in self._back.take(now / 1000):
            now_s = now / 1000
            self.gate.acked(self.congestion.acked(1, received, now_s), 1, painted, now_s)
            self.congestion.tick(now_s)

    def _in_order(self) -> Iterator[int]:
        while self._expected in self._arrived:
            self._arrived.discard(self._expected)
            sequence = self._packets.pop(self._expected)
            self._expected += 1
            if sequence:
                yield sequence

    def _acknowledge(self, told: Told | None, now: float) -> None:
        if told is not None:
            self.acks += 1
            self._back.send(now / 1000, (told.received, told.painted), ACK_BYTES)

    def _dropped(self, reason: Drop, count: int) -> None:
        self.drops[reason] = self.drops.get(reason, 0) + count
