"""The gate between a stream and one viewer: what it is sent can always be decoded. Pure.

Closed, only an IDR opens it. Open, it lets through what continues the GOP without a gap; a gap or
another epoch closes it. What passes waits here until the viewer has room, which it has while what
was sent and not yet acknowledged stays within a window of bytes and time. So a queue forms here,
where it can still be dropped, and not in a kernel's or a proxy's buffer, where it cannot. Past a
bound of bytes and time all that waits is dropped, the gate closes, and an IDR is wanted once there
is room again. An IDR makes what waits before it superfluous.

The window ends at the screen, not at the socket: a browser that decodes more slowly than the desk
changes has a queue as well, and there is room only while the oldest picture that it has not painted
is not much later than its fastest one was. So its encoder skips, and the picture stays fresh; a
decoder left to itself would fall behind until it has to drop to the next IDR.

    offer -> [gate: decodable?] -> waiting -> [window: room?] -> take -> in flight -> received
                                                                     -> unpainted -> painted
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

UNMEASURED_MS = 1000.0
"""Taken for the fastest acknowledgement until there was one."""
HELD_UNITS = 2
"""So many unpainted units are no sign of lateness: some decoders hold one or two pictures back."""
MAX_UNPAINTED = 256
PAINT_STALL_MS = 500.0
"""Where nothing is painted for so long, another unit is sent all the same, to push it out."""


@dataclass(frozen=True, slots=True)
class GateLimits:
    """The bounds, see `settings`."""

    in_flight_ms: float
    in_flight_bytes: int
    paint_lag_ms: float
    backlog_ms: float
    backlog_bytes: int


@dataclass(frozen=True, slots=True)
class Unit:
    """An access unit on its way through: what the gate needs to know, and the message's bytes."""

    epoch: int
    sequence: int
    idr: bool
    data: bytes


class Drop(StrEnum):
    """Why a unit was not sent to a viewer."""

    CLOSED = "closed"
    """It cannot be decoded: the gate waits for an IDR."""
    GAP = "gap"
    """Units before it are missing."""
    BACKLOG = "backlog"
    """Too much was waiting, or for too long."""
    SUPERSEDED = "superseded"
    """An IDR came while it waited."""
    ABANDONED = "abandoned"
    """The viewer's decoder waits for an IDR, or the viewer wants no more of this stream."""


@dataclass(frozen=True, slots=True)
class _Sent:
    epoch: int
    sequence: int
    idr: bool
    size_bytes: int
    at_ms: float


class Gate:
    """One viewer's gate on one stream. Times are in milliseconds, any one clock."""

    def __init__(self, limits: GateLimits, on_drop: Callable[[Drop, int], None]) -> None:
        self._limits = limits
        self._on_drop = on_drop
        self._next: tuple[int, int] | None = None
        """Epoch and sequence of what continues the GOP; None: closed."""
        self._waiting: deque[tuple[Unit, float]] = deque()
        self._waiting_bytes = 0
        self._in_flight: deque[_Sent] = deque()
        self._in_flight_bytes = 0
        self._fastest_ack_ms: float | None = None
        # Bounded for a viewer that acknowledges and never paints.
        self._unpainted: deque[_Sent] = deque(maxlen=MAX_UNPAINTED)
        self._fastest_paint_ms: float | None = None
        self._painting_ms = 0.0
        """When a picture was painted last, or a unit sent."""

    @property
    def is_open(self) -> bool:
        """May a delta pass?"""
        return self._next is not None

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait for room."""
        return self._waiting_bytes

    @property
    def in_flight_bytes(self) -> int:
        """Bytes sent and not acknowledged."""
        return self._in_flight_bytes

    def offer(self, unit: Unit, now_ms: float) -> None:
        """A unit of the stream; it waits for `take`, or is dropped."""
        if unit.idr:
            self._drop_waiting(Drop.SUPERSEDED)
        elif self._next is None:
            self._on_drop(Drop.CLOSED, 1)
            return
        elif self._next != (unit.epoch, unit.sequence):
            self.interrupt()
            self._on_drop(Drop.GAP, 1)
            return
        elif self._overflows(unit, now_ms):
            self.interrupt()
            self._drop_waiting(Drop.BACKLOG)
            self._on_drop(Drop.BACKLOG, 1)
            return
        self._next = (unit.epoch, unit.sequence + 1)
        self._waiting.append((unit, now_ms))
        self._waiting_bytes += len(unit.data)

    def take(self, now_ms: float) -> bytes | None:
        """The next unit to be sent, which is in flight from now on; None: nothing, or no room."""
        if not self._waiting or not self._window_open(self._in_flight_bytes, 0, now_ms):
            return None
        unit, _ = self._waiting.popleft()
        self._waiting_bytes -= len(unit.data)
        size_bytes = len(unit.data)
        sent = _Sent(unit.epoch, unit.sequence, unit.idr, size_bytes, now_ms)
        self._in_flight.append(sent)
        self._in_flight_bytes += size_bytes
        self._unpainted.append(sent)
        self._painting_ms = now_ms
        return unit.data

    def ack(self, epoch: int, received: int, painted: int, now_ms: float) -> None:
        """The newest units that the viewer has received and painted, and so all before them.

        One that was not sent, or is acknowledged already, says nothing.
        """
        took_ms = _pop_through(self._in_flight, epoch, received, now_ms)
        if took_ms is not None:
            self._fastest_ack_ms = _least(self._fastest_ack_ms, took_ms)
            self._in_flight_bytes = sum(sent.size_bytes for sent in self._in_flight)
        took_ms = _pop_through(self._unpainted, epoch, painted, now_ms)
        if took_ms is not None:
            self._fastest_paint_ms = _least(self._fastest_paint_ms, took_ms)
            self._painting_ms = now_ms

    @property
    def has_idr_on_its_way(self) -> bool:
        """Is there an IDR that the viewer has not acknowledged yet?"""
        return any(unit.idr for unit, _ in self._waiting) or any(s.idr for s in self._in_flight)

    def interrupt(self) -> None:
        """What comes next does not continue the GOP; what waits can still be decoded."""
        self._next = None

    def close(self) -> None:
        """Drop what waits; only an IDR opens the gate again."""
        self.interrupt()
        self._drop_waiting(Drop.ABANDONED)

    def has_room(self, now_ms: float) -> bool:
        """Is there room for one more unit than those that wait already?"""
        used_bytes = self._in_flight_bytes + self._waiting_bytes
        return self._window_open(used_bytes, len(self._waiting), now_ms)

    def wants_idr(self, now_ms: float) -> bool:
        """Would an IDR help? Not while there is no room: it would be old when it is sent."""
        return self._next is None and self.has_room(now_ms)

    def _window_open(self, used_bytes: int, waiting: int, now_ms: float) -> bool:
        if used_bytes >= self._limits.in_flight_bytes or not self._paints(waiting, now_ms):
            return False
        if not self._in_flight:
            return True
        fastest_ms = UNMEASURED_MS if self._fastest_ack_ms is None else self._fastest_ack_ms
        return now_ms - self._in_flight[0].at_ms <= fastest_ms + self._limits.in_flight_ms

    def _paints(self, waiting: int, now_ms: float) -> bool:
        """Does the browser keep up with what it got?"""
        if len(self._unpainted) + waiting <= HELD_UNITS:
            return True
        if now_ms - self._painting_ms > PAINT_STALL_MS:
            return True
        if self._fastest_paint_ms is None or not self._unpainted:
            return False
        late_ms = now_ms - self._unpainted[0].at_ms - self._fastest_paint_ms
        return late_ms <= self._limits.paint_lag_ms

    def _overflows(self, unit: Unit, now_ms: float) -> bool:
        if not self._waiting:
            return False
        too_many = self._waiting_bytes + len(unit.data) > self._limits.backlog_bytes
        return too_many or now_ms - self._waiting[0][1] > self._limits.backlog_ms

    def _drop_waiting(self, reason: Drop) -> None:
        if self._waiting:
            self._on_drop(reason, len(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0


def _pop_through(sent: deque[_Sent], epoch: int, sequence: int, now_ms: float) -> float | None:
    """Remove a unit and all before it; how long ago it was sent, or None where it is not there."""
    for index, unit in enumerate(sent):
        if (unit.epoch, unit.sequence) == (epoch, sequence):
            for _ in range(index + 1):
                sent.popleft()
            return now_ms - unit.at_ms
    return None


def _least(known: float | None, new: float) -> float:
    return new if known is None else min(known, new)
