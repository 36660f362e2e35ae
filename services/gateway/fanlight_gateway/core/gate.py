"""The gate between a stream and one viewer: which units the viewer is sent, and when. Pure.

**Here a unit is dropped for a slow viewer** (`Gate.offer`). What the viewer is sent can always be
decoded. Units that may be sent wait in the gate until the viewer's path has room (`congestion`), so
that a queue forms here, where it can still be dropped, and not in a kernel's or a proxy's buffer.
A unit is offered, waits, and is taken once there is room. It is then in flight until the browser
has received it, and unpainted until it is on the screen. Times are in seconds.

The gate is open or closed. An open gate knows the epoch and sequence of the unit that continues the
GOP. The table says what happens to the unit that is offered, and to the units that wait already. A
word in capitals means that they are dropped, and is the reason (`Drop`).

    state   event      next    the unit  what waits
    closed  idr        open    waits     SUPERSEDED
    closed  delta      closed  CLOSED    stays
    closed  interrupt  closed  -         stays
    closed  close      closed  -         ABANDONED
    open    idr        open    waits     SUPERSEDED
    open    delta      open    waits     stays
    open    gap        closed  GAP       stays
    open    backlog    closed  BACKLOG   BACKLOG
    open    interrupt  closed  -         stays
    open    close      closed  -         ABANDONED

- delta: the unit that continues the GOP is offered. If the gate is closed, any delta is offered.
- gap: a delta is offered that follows a gap, or is of another epoch. What waits stays, because it
  can be decoded.
- backlog: the unit that continues the GOP is offered, but too many bytes wait already, or for too
  long. A rest begins.
- interrupt: another encoder begins, so the stream's next unit will not continue the GOP.
- close: the decoder or the viewer wants nothing before the next IDR.

A closed gate wants an IDR once there is room, but not during a rest. All viewers of the stream pay
for an IDR, so a rest becomes twice as long each time that the next backlog comes soon.

A unit has arrived when it is on the screen, not when it is in the browser's socket. If a browser
decodes more slowly than the desk changes, a queue forms in the browser, too. So there is room only
while the oldest unpainted picture does not take much longer than the fastest picture took. If there
is no room, the encoder skips pictures, and the next picture is fresh. Without this rule the decoder
would fall behind until it has to drop everything up to the next IDR.

If nothing waits and there is room, `pass_on` is `offer` and `take` in one. That is nearly always
so. With hundreds of viewers most of a gateway's work is this call, so it is written to be quick.
For this reason, and because it asks whether a unit continues the GOP before it is known that there
is room, the gate does not use `fanlight_common.core.unit_order`, which knows the same rule. By a
`UnitOrder` a call of `pass_on` took 0.62 us in place of 0.53 us.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat

from fanlight_gateway.core.congestion import Congestion
from fanlight_gateway.core.unit import Sent, Unit

MAX_UNPAINTED = 256
"""The number of unpainted units that a gate remembers. Older ones are forgotten."""


@dataclass(frozen=True, slots=True)
class GateLimits:
    """The constants of the algorithm. What was measured with them is in docs/freshness.md."""

    paint_lag_s: float = 0.03
    """Nothing more is sent while a received picture has been unpainted this much longer than the
    fastest picture was, because a browser that decodes slowly would show the past."""
    held_units: int = 2
    """Up to this many unpainted units are normal, because some decoders hold one or two back."""
    paint_stall_s: float = 0.5
    """If nothing is painted for this time, another unit is sent all the same, because it pushes the
    picture that a decoder holds back out of it."""
    backlog_s: float = 0.25
    """If a unit has waited for one viewer for this time, all that wait are dropped."""
    backlog_bytes: int = 2 << 20
    """If more bytes than this would wait for one viewer, all that wait are dropped."""
    backlog_rest_s: float = 1
    """After a backlog no IDR is asked for on behalf of this viewer for this time. It doubles each
    time that the next backlog comes soon."""
    backlog_rest_max_s: float = 8
    """The longest rest."""
    backlog_memory_s: float = 20
    """A backlog that comes this much later than the end of a rest counts as the first again."""


class Drop(StrEnum):
    """Why a unit was not sent to a viewer."""

    CLOSED = "closed"
    """The viewer cannot decode it, because the gate waits for an IDR."""
    GAP = "gap"
    """The viewer cannot decode it, because units before it are missing."""
    BACKLOG = "backlog"
    """Too many bytes waited, or for too long."""
    SUPERSEDED = "superseded"
    """An IDR came while it waited."""
    ABANDONED = "abandoned"
    """The viewer's decoder waits for an IDR, or the viewer wants no more of this stream."""


class Gate:
    """The gate of one viewer on one stream. Times are in seconds, of any one clock."""

    def __init__(
        self, limits: GateLimits, congestion: Congestion, on_drop: Callable[[Drop, int], None]
    ) -> None:
        """`on_drop` is called with the reason and the number of units that were dropped."""
        self._limits = limits
        self._congestion = congestion
        self._on_drop = on_drop
        self._next: tuple[int, int] | None = None
        """Epoch and sequence of the unit that continues the GOP. None if the gate is closed."""
        self._waiting: deque[tuple[Unit, float]] = deque()
        """Units that wait for room, and when each was offered."""
        self._waiting_bytes = 0
        # Bounded, because a viewer may acknowledge for ever and never paint.
        self._unpainted: deque[tuple[Sent, float]] = deque(maxlen=MAX_UNPAINTED)
        """Units that the viewer has received and not painted, and when each was acknowledged."""
        self._keeps_up = True
        """Are these no more than a decoder may hold back?"""
        self._fastest_paint_s: float | None = None
        """The least time from a unit's acknowledgement to its painting. None if nothing was painted
        yet."""
        self._painting_at = 0.0
        """When a picture was painted or a unit was sent last."""
        self._rest_s = 0.0
        """How long the last rest was to last."""
        self._rest_until = float("-inf")
        self.waited_s = 0.0
        """How long the unit that was taken last had waited."""
        self.is_relaxed = False
        """May the acknowledgement of the unit that was sent last wait?"""
        self.overflows = 0
        """How often there was a backlog."""

    @property
    def is_open(self) -> bool:
        """The state in the table: may a delta pass?"""
        return self._next is not None

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait for room."""
        return self._waiting_bytes

    def offer(self, unit: Unit, now: float) -> None:
        """Let a unit of the stream wait for `take`, or drop it, as the table says."""
        if unit.idr:
            self._drop_waiting(Drop.SUPERSEDED)
        elif self._next is None:
            self._on_drop(Drop.CLOSED, 1)
            return
        elif self._next != unit.label:
            self.interrupt()
            self._on_drop(Drop.GAP, 1)
            return
        elif self._is_backlog(unit, now):
            self.interrupt()
            self._drop_waiting(Drop.BACKLOG)
            self._on_drop(Drop.BACKLOG, 1)
            self._rest(now)
            return
        self._next = unit.following
        self._waiting.append((unit, now))
        self._waiting_bytes += unit.size_bytes

    def pass_on(self, unit: Unit, now: float) -> bool:
        """Return True if the caller is to send this unit at once. The unit is then in flight.

        If this returns False, nothing has changed, and the caller has to offer the unit.
        """
        # The conditions of `_has_room`, with fewer calls, because this runs 30,000 times a second.
        if (
            self._waiting_bytes
            or (self._next != unit.label and not unit.idr)
            or not (self._keeps_up or self._paints(now))
            or not self._congestion.has_room(0, now)
        ):
            return False
        self._next = unit.following
        self.waited_s = 0.0
        # The same as `_send`, without the call.
        self.is_relaxed = self._congestion.sent(
            unit.epoch, unit.sequence, unit.idr, unit.size_bytes, now, self._keeps_up
        ).relaxed
        self._painting_at = now
        return True

    def take(self, now: float) -> Unit | None:
        """Take the next unit to send, which is then in flight. Returns None if no unit waits, or if
        there is no room."""
        if not self._waiting or not self._has_room(0, now):
            return None
        unit, offered_at = self._waiting.popleft()
        self.waited_s = now - offered_at
        self._waiting_bytes -= unit.size_bytes
        self._send(unit, now)
        return unit

    def acked(self, arrived: Sequence[Sent], epoch: int, painted: int, now: float) -> None:
        """Note which units have arrived, and that the viewer has painted the unit `painted`.

        All units before a painted unit count as painted. The claim is ignored if `painted`
        has not arrived, or is known to be painted already.
        """
        unpainted = self._unpainted
        unpainted.extend(zip(arrived, repeat(now), strict=False))
        for _ in range(self._through(epoch, painted)):
            unit, received_at = unpainted.popleft()
            self._painting_at = now
            # A relaxed acknowledgement has waited, so it does not tell when its unit was received.
            if not unit.relaxed:
                took_s = now - received_at
                known_s = self._fastest_paint_s
                self._fastest_paint_s = took_s if known_s is None else min(known_s, took_s)
        self._keeps_up = len(unpainted) <= self._limits.held_units

    @property
    def has_idr_on_its_way(self) -> bool:
        """Is there an IDR that the viewer has not acknowledged yet?"""
        in_flight = self._congestion.in_flight
        return any(unit.idr for unit, _ in self._waiting) or any(unit.idr for unit in in_flight)

    def interrupt(self) -> None:
        """Close the gate, because the stream's next unit does not continue the GOP. What waits
        stays."""
        self._next = None

    def close(self) -> None:
        """Close the gate, and drop what waits. Only an IDR opens the gate again."""
        self.interrupt()
        self._drop_waiting(Drop.ABANDONED)

    def has_room(self, now: float) -> bool:
        """Is there room for one unit more than those that wait already?"""
        return self._has_room(self._waiting_bytes, now)

    def wants_idr(self, now: float) -> bool:
        """Would an IDR help? Not without room, because the IDR would be old before it is sent."""
        return self._next is None and now >= self._rest_until and self.has_room(now)

    def _has_room(self, more_bytes: int, now: float) -> bool:
        if not self._keeps_up and not self._paints(now):
            return False
        return self._congestion.has_room(more_bytes, now)

    def _send(self, unit: Unit, now: float) -> None:
        sent = self._congestion.sent(
            unit.epoch, unit.sequence, unit.idr, unit.size_bytes, now, self._keeps_up
        )
        self.is_relaxed = sent.relaxed
        self._painting_at = now

    def _rest(self, now: float) -> None:
        """Count a backlog that was dropped, and want no IDR for a while."""
        self.overflows += 1
        is_soon = now - self._rest_until < self._limits.backlog_memory_s
        self._rest_s = (
            min(self._limits.backlog_rest_max_s, 2 * self._rest_s)
            if is_soon
            else self._limits.backlog_rest_s
        )
        self._rest_until = now + self._rest_s

    def _through(self, epoch: int, sequence: int) -> int:
        """Return how many of the unpainted units are painted once this unit is, which counts
        itself. 0 if this unit is not among them."""
        for count, (unit, _) in enumerate(self._unpainted, 1):
            if unit.sequence == sequence and unit.epoch == epoch:
                return count
        return 0

    def _paints(self, now: float) -> bool:
        """Does the browser keep up, although it has several units that it has not painted?"""
        if now - self._painting_at > self._limits.paint_stall_s:
            return True
        if self._fastest_paint_s is None:
            return False
        _, received_at = self._unpainted[0]
        return now - received_at - self._fastest_paint_s <= self._limits.paint_lag_s

    def _is_backlog(self, unit: Unit, now: float) -> bool:
        """Would too many bytes wait with this unit, or do they wait for too long?"""
        if not self._waiting:
            return False
        too_many = self._waiting_bytes + unit.size_bytes > self._limits.backlog_bytes
        return too_many or now - self._waiting[0][1] > self._limits.backlog_s

    def _drop_waiting(self, reason: Drop) -> None:
        if self._waiting:
            self._on_drop(reason, len(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0
