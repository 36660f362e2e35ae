"""The gate between a stream and one viewer: which units the viewer is sent, and when. Pure.

**Here a unit is dropped for a slow viewer** (`Gate.offer`). What the viewer is sent can always be
decoded. Units that may be sent wait in the gate until the viewer's path has room (`congestion`), so
that a queue forms here, where it can still be dropped, and not in a kernel's or a proxy's buffer.

    offer -> [gate: decodable?] -> waiting -> [congestion: room?] -> take -> in flight -> received
                                                                         -> unpainted -> painted

The gate is open, and then knows the epoch and sequence that continue the GOP, or closed.

    | gate   | event                                   | effect                        | then     |
    |--------|-----------------------------------------|-------------------------------|----------|
    | either | an IDR is offered                       | drops what waits (SUPERSEDED) | open     |
    |        |                                         | and waits itself              |          |
    | closed | a delta is offered                      | dropped (CLOSED)              | closed   |
    | open   | the delta that continues the GOP        | waits                         | open     |
    | open   | a delta after a gap, or of another epoch| dropped (GAP); what waits     | closed   |
    |        |                                         | stays, it can be decoded      |          |
    | open   | a delta when too much waits already, in | all dropped (BACKLOG), and a  | closed   |
    |        | bytes or time                           | rest begins                   |          |
    | either | `interrupt`: another encoder begins     | what waits stays              | closed   |
    | either | `close`: the decoder or the viewer wants| drops what waits (ABANDONED)  | closed   |
    |        | nothing before the next IDR             |                               |          |

A closed gate wants an IDR once there is room and no rest goes on. A rest after a backlog doubles
each time that the next backlog comes soon, because all viewers of the stream pay for an IDR.

A unit has arrived when it is on the screen, not when it is in the browser's socket. A browser that
decodes more slowly than the desk changes has a queue, too, so there is room only while its oldest
unpainted picture is not much later than its fastest one was. Then the encoder skips, and the
picture stays fresh. A decoder left to itself would fall behind until it has to drop everything up
to the next IDR.

Where nothing waits and there is room, `pass_on` is `offer` and `take` in one. With hundreds of
viewers that is nearly always so, and what it costs is what a viewer costs.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat

from fanlight_gateway.core.congestion import Congestion
from fanlight_gateway.core.unit import Sent, Unit

MAX_UNPAINTED = 256


@dataclass(frozen=True, slots=True)
class GateLimits:
    """The constants of the algorithm. What was measured with them is in docs/freshness.md."""

    paint_lag_ms: float = 30
    """How long a received picture may be unpainted beyond the fastest one seen before no more are
    sent: what keeps a browser that decodes slowly from showing the past."""
    held_units: int = 2
    """So many unpainted units are no sign that it is late: some decoders hold one or two back."""
    paint_stall_ms: float = 500
    """Where nothing is painted for so long, another unit is sent all the same, to push it out."""
    backlog_ms: float = 250
    """Time that units wait for one viewer before all of them are dropped."""
    backlog_bytes: int = 2 << 20
    """Bytes that wait for one viewer, likewise."""
    backlog_rest_ms: float = 1000
    """After a backlog no IDR is asked for on behalf of this viewer for so long. It doubles each
    time that the next one comes soon."""
    backlog_rest_max_ms: float = 8000
    """The longest that it becomes."""
    backlog_memory_ms: float = 20_000
    """So long after a rest, the next backlog counts as the first."""


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
    """One viewer's gate on one stream. Times are in milliseconds, of any one clock."""

    def __init__(
        self, limits: GateLimits, congestion: Congestion, on_drop: Callable[[Drop, int], None]
    ) -> None:
        """`on_drop` is told why so many units were dropped."""
        self._limits = limits
        self._congestion = congestion
        self._on_drop = on_drop
        self._next: tuple[int, int] | None = None
        """Epoch and sequence of the unit that continues the GOP; None: the gate is closed."""
        self._waiting: deque[tuple[Unit, float]] = deque()
        """Units that wait for room, and when each was offered."""
        self._waiting_bytes = 0
        # Bounded for a viewer that acknowledges and never paints.
        self._unpainted: deque[tuple[Sent, float]] = deque(maxlen=MAX_UNPAINTED)
        """What the viewer has received, and when that was known; it is the browser's from then
        on."""
        self._keeps_up = True
        """Are those no more than a decoder may hold back?"""
        self._fastest_paint_ms: float | None = None
        """The least time from received to painted; None: nothing was painted yet."""
        self._painting_ms = 0.0
        """When a picture was painted last, or a unit sent."""
        self._rest_ms = 0.0
        self._rest_until = float("-inf")
        self.waited_ms = 0.0
        """How long the unit that was taken last had waited."""
        self.is_relaxed = False
        """May the acknowledgement of the unit that was sent last wait?"""
        self.overflows = 0
        """How often there was a backlog."""

    @property
    def is_open(self) -> bool:
        """May a delta pass?"""
        return self._next is not None

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait for room."""
        return self._waiting_bytes

    def offer(self, unit: Unit, now_ms: float) -> None:
        """A unit of the stream: it waits for `take`, or is dropped, see the table above."""
        if unit.idr:
            self._drop_waiting(Drop.SUPERSEDED)
        elif self._next is None:
            self._on_drop(Drop.CLOSED, 1)
            return
        elif self._next != unit.label:
            self.interrupt()
            self._on_drop(Drop.GAP, 1)
            return
        elif self._is_backlog(unit, now_ms):
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
        # As `_send`, without its call.
        self.is_relaxed = self._congestion.sent(
            unit.epoch, unit.sequence, unit.idr, unit.size_bytes, now_ms, self._keeps_up
        ).relaxed
        self._painting_ms = now_ms
        return True

    def take(self, now_ms: float) -> Unit | None:
        """The next unit to be sent, which is in flight from now on; None: nothing, or no room."""
        if not self._waiting or not self._has_room(0, now_ms):
            return None
        unit, offered_ms = self._waiting.popleft()
        self.waited_ms = now_ms - offered_ms
        self._waiting_bytes -= unit.size_bytes
        self._send(unit, now_ms)
        return unit

    def acked(self, arrived: Sequence[Sent], epoch: int, painted: int, now_ms: float) -> None:
        """What has arrived by now, and the newest unit that is painted, and so all before it.

        A painted unit that has not arrived, or is known to be painted already, says nothing.
        """
        unpainted = self._unpainted
        unpainted.extend(zip(arrived, repeat(now_ms), strict=False))
        for _ in range(self._through(epoch, painted)):
            unit, received_ms = unpainted.popleft()
            self._painting_ms = now_ms
            # A relaxed acknowledgement waited, so it does not tell when its unit was received.
            if not unit.relaxed:
                took_ms = now_ms - received_ms
                known_ms = self._fastest_paint_ms
                self._fastest_paint_ms = took_ms if known_ms is None else min(known_ms, took_ms)
        self._keeps_up = len(unpainted) <= self._limits.held_units

    @property
    def has_idr_on_its_way(self) -> bool:
        """Is there an IDR that the viewer has not acknowledged yet?"""
        in_flight = self._congestion.in_flight
        return any(unit.idr for unit, _ in self._waiting) or any(unit.idr for unit in in_flight)

    def interrupt(self) -> None:
        """Close the gate: the stream's next unit does not continue the GOP. What waits stays."""
        self._next = None

    def close(self) -> None:
        """Close the gate, and drop what waits; only an IDR opens it again."""
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

    def _send(self, unit: Unit, now_ms: float) -> None:
        sent = self._congestion.sent(
            unit.epoch, unit.sequence, unit.idr, unit.size_bytes, now_ms, self._keeps_up
        )
        self.is_relaxed = sent.relaxed
        self._painting_ms = now_ms

    def _rest(self, now_ms: float) -> None:
        """A backlog was dropped: want no IDR for a while."""
        self.overflows += 1
        is_soon = now_ms - self._rest_until < self._limits.backlog_memory_ms
        self._rest_ms = (
            min(self._limits.backlog_rest_max_ms, 2 * self._rest_ms)
            if is_soon
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

    def _is_backlog(self, unit: Unit, now_ms: float) -> bool:
        if not self._waiting:
            return False
        too_many = self._waiting_bytes + unit.size_bytes > self._limits.backlog_bytes
        return too_many or now_ms - self._waiting[0][1] > self._limits.backlog_ms

    def _drop_waiting(self, reason: Drop) -> None:
        if self._waiting:
            self._on_drop(reason, len(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0
