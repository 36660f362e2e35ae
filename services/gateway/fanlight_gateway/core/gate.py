"""The gate between a stream and one viewer: what it is sent can always be decoded. Pure.

Closed, only an IDR opens it. Open, it lets through what continues the GOP without a gap; a gap or
another epoch closes it. What passes waits here until the viewer's path has room (`congestion`), so
that a queue forms here, where it can still be dropped, and not in a kernel's or a proxy's buffer,
where it cannot. Past a bound of bytes and time all that waits is dropped, the gate closes, and an
IDR is wanted once there is room again: each time this happens again soon, after a longer rest, for
all viewers of the stream pay for an IDR. An IDR makes what waits before it superfluous.

The way ends at the screen, not at the socket: a browser that decodes more slowly than the desk
changes has a queue as well, and there is room only while the oldest picture that it has not painted
is not much later than its fastest one was. So its encoder skips, and the picture stays fresh; a
decoder left to itself would fall behind until it has to drop to the next IDR.

    offer -> [gate: decodable?] -> waiting -> [congestion: room?] -> take -> in flight -> received
                                                                         -> unpainted -> painted

Where nothing waits and there is room, `pass_on` is `offer` and `take` in one: with hundreds of
viewers that is nearly always so, and what it costs is what a viewer costs.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat

from fanlight_gateway.core.congestion import Congestion, Sent
from fanlight_gateway.core.unit import Unit

MAX_UNPAINTED = 256


@dataclass(frozen=True, slots=True)
class GateLimits:
    """The constants; what each means, and its default, is in `video_settings`."""

    paint_lag_ms: float
    held_units: int
    paint_stall_ms: float
    backlog_ms: float
    backlog_bytes: int
    backlog_rest_ms: float
    backlog_rest_max_ms: float
    backlog_memory_ms: float


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


class Gate:
    """One viewer's gate on one stream. Times are in milliseconds, any one clock."""

    def __init__(
        self, limits: GateLimits, congestion: Congestion, on_drop: Callable[[Drop, int], None]
    ) -> None:
        self._limits = limits
        self._congestion = congestion
        self._on_drop = on_drop
        self._next: tuple[int, int] | None = None
        """Epoch and sequence of what continues the GOP; None: closed."""
        self._waiting: deque[tuple[Unit, float]] = deque()
        self._waiting_bytes = 0
        # Bounded for a viewer that acknowledges and never paints.
        self._unpainted: deque[tuple[Sent, float]] = deque(maxlen=MAX_UNPAINTED)
        """What was received, and when that was known: the browser's from then on."""
        self._keeps_up = True
        """Are those no more than a decoder may hold back?"""
        self._fastest_paint_ms: float | None = None
        self._painting_ms = 0.0
        """When a picture was painted last, or a unit sent."""
        self._rest_ms = 0.0
        self._rest_until = float("-inf")
        self.waited_ms = 0.0
        """How long the unit that was taken last had waited."""
        self.is_relaxed = False
        """May its acknowledgement wait?"""
        self.overflows = 0
        """How often what waited was too much."""

    @property
    def is_open(self) -> bool:
        """May a delta pass?"""
        return self._next is not None

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait for room."""
        return self._waiting_bytes

    def offer(self, unit: Unit, now_ms: float) -> None:
        """A unit of the stream; it waits for `take`, or is dropped."""
        if unit.idr:
            self._drop_waiting(Drop.SUPERSEDED)
        elif self._next is None:
            self._on_drop(Drop.CLOSED, 1)
            return
        elif self._next != unit.label:
            self.interrupt()
            self._on_drop(Drop.GAP, 1)
            return
        elif self._overflows(unit, now_ms):
            self.interrupt()
            self._drop_waiting(Drop.BACKLOG)
            self._on_drop(Drop.BACKLOG, 1)
            self._rest(now_ms)
            return
        self._next = unit.following
        self._waiting.append((unit, now_ms))
        self._waiting_bytes += unit.size_bytes

    def pass_on(self, unit: Unit, now_ms: float) -> bool:
        """Is this a unit of the stream to be sent at once? Then it is in flight from now on.

        Otherwise nothing has changed, and it is to be offered.
        """
        # Most have painted what they have: `_has_room` with fewer calls, 30,000 times a second.
        if (
            self._waiting_bytes
            or (self._next != unit.label and not unit.idr)
            or not (self._keeps_up or self._paints(now_ms))
            or not self._congestion.has_room(0, now_ms)
        ):
            return False
        self._next = unit.following
        self.waited_ms = 0.0
        self._fly(unit, now_ms)
        return True

    def take(self, now_ms: float) -> Unit | None:
        """The next unit to be sent, which is in flight from now on; None: nothing, or no room."""
        if not self._waiting or not self._has_room(0, now_ms):
            return None
        unit, offered_ms = self._waiting.popleft()
        self.waited_ms = now_ms - offered_ms
        self._waiting_bytes -= unit.size_bytes
        self._fly(unit, now_ms)
        return unit

    def acked(self, arrived: Sequence[Sent], epoch: int, painted: int, now_ms: float) -> None:
        """What has arrived by now, and the newest unit that is painted, and so all before it.

        One that has not arrived, or is known to be painted already, says nothing.
        """
        unpainted = self._unpainted
        unpainted.extend(zip(arrived, repeat(now_ms), strict=False))
        for _ in range(self._through(epoch, painted)):
            unit, received_ms = unpainted.popleft()
            self._painting_ms = now_ms
            # Of one whose acknowledgement waited nobody knows when it was received.
            if not unit.relaxed:
                took_ms = now_ms - received_ms
                known_ms = self._fastest_paint_ms
                self._fastest_paint_ms = took_ms if known_ms is None else min(known_ms, took_ms)
        self._keeps_up = len(unpainted) <= self._limits.held_units

    @property
    def has_idr_on_its_way(self) -> bool:
        """Is there an IDR that the viewer has not acknowledged yet?"""
        flying = self._congestion.in_flight
        return any(unit.idr for unit, _ in self._waiting) or any(unit.idr for unit in flying)

    def interrupt(self) -> None:
        """What comes next does not continue the GOP; what waits can still be decoded."""
        self._next = None

    def close(self) -> None:
        """Drop what waits; only an IDR opens the gate again."""
        self.interrupt()
        self._drop_waiting(Drop.ABANDONED)

    def has_room(self, now_ms: float) -> bool:
        """Is there room for one more unit than those that wait already?"""
        return self._has_room(self._waiting_bytes, now_ms)

    def wants_idr(self, now_ms: float) -> bool:
        """Would an IDR help? Not while there is no room: it would be old when it is sent."""
        return self._next is None and now_ms >= self._rest_until and self.has_room(now_ms)

    def _has_room(self, more_bytes: int, now_ms: float) -> bool:
        if not self._keeps_up and not self._paints(now_ms):
            return False
        return self._congestion.has_room(more_bytes, now_ms)

    def _fly(self, unit: Unit, now_ms: float) -> None:
        sent = self._congestion.sent(
            unit.epoch, unit.sequence, unit.idr, unit.size_bytes, now_ms, self._keeps_up
        )
        self.is_relaxed = sent.relaxed
        self._painting_ms = now_ms

    def _rest(self, now_ms: float) -> None:
        self.overflows += 1
        again = now_ms - self._rest_until < self._limits.backlog_memory_ms
        self._rest_ms = (
            min(self._limits.backlog_rest_max_ms, 2 * self._rest_ms)
            if again
            else self._limits.backlog_rest_ms
        )
        self._rest_until = now_ms + self._rest_ms

    def _through(self, epoch: int, sequence: int) -> int:
        """How many of the unpainted are painted with this one, it among them."""
        for count, (unit, _) in enumerate(self._unpainted, 1):
            if unit.sequence == sequence and unit.epoch == epoch:
                return count
        return 0

    def _paints(self, now_ms: float) -> bool:
        """Does the browser keep up, although it holds several that it has not painted?"""
        if now_ms - self._painting_ms > self._limits.paint_stall_ms:
            return True
        if self._fastest_paint_ms is None:
            return False
        _, received_ms = self._unpainted[0]
        return now_ms - received_ms - self._fastest_paint_ms <= self._limits.paint_lag_ms

    def _overflows(self, unit: Unit, now_ms: float) -> bool:
        if not self._waiting:
            return False
        too_many = self._waiting_bytes + unit.size_bytes > self._limits.backlog_bytes
        return too_many or now_ms - self._waiting[0][1] > self._limits.backlog_ms

    def _drop_waiting(self, reason: Drop) -> None:
        if self._waiting:
            self._on_drop(reason, len(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0
