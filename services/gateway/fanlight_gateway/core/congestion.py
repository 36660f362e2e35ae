"""How much a viewer's path carries: the units in flight, their window, and the base RTT. Pure.

Everything is learnt from acknowledgements that come from the browser itself. So it is also right
through reverse proxies, and it needs only one clock, the gateway's. Times are in seconds. The state
machine of the target rate, with its table, is in `target_rate`. This module measures what the state
machine needs:

    sent -> in flight -> acked -> RTT -> inflation: RTT - base RTT - the unit's own time on the link
                               -> delivered: what arrived within the last half second

Room. A unit may be sent while the bytes in flight fit the window, target x (base RTT + allowance),
and while the oldest unit in flight is not much later than it should be. A unit that does not fit
waits in the gate, where it can still be dropped, and the encoder skips pictures.

Three other rules:

- If a queue stays for 3 s although only half as much is sent, the queue is somebody else's, or the
  path has become another one. Then base RTT and ceiling are learnt anew.
- A unit whose acknowledgement is 5 s late is given up: it counts as in flight no longer. Otherwise
  lost acknowledgements would stop a stream for ever.
- A path is calm while the target is at its maximum and there is no queue. There is nothing to learn
  on such a path, so most acknowledgements may wait (they are relaxed). Once in 80 ms an
  acknowledgement may not wait (it is prompt), because only prompt ones tell the round trip. On any
  other path all are prompt.
"""

from collections import deque
from dataclasses import dataclass

from fanlight_gateway.core.base_rtt import BaseRtt
from fanlight_gateway.core.delivery_rate import BYTES_PER_KBIT, DeliveryRate
from fanlight_gateway.core.target_rate import TargetRate, TargetRateLimits
from fanlight_gateway.core.unit import Sent

TRAIN_LEAST_S = 0.005
"""Seconds that the browser's own scheduling adds or takes; shorter differences are noise."""
MIN_WINDOW_BYTES = 6 * 1460
"""The smallest window: six packets."""
RELAXED_S = 0.1
"""How long a relaxed acknowledgement may take, in seconds, beyond a prompt one. A viewer keeps it
back for less than this time: `web/video/acknowledgements.js`."""
PROMPT_EACH_S = 0.08
"""One unit in this time, in seconds, gets a prompt acknowledgement. If more units are sent than
that, most acknowledgements may wait."""


@dataclass(frozen=True, slots=True)
class CongestionLimits(TargetRateLimits):
    """The constants of the algorithm, with those of the target rate. What was measured with them is
    in docs/freshness.md."""

    allowance_s: float = 0.05
    """How much longer than its base RTT a path may take before no more is sent. This is the queue
    that is allowed in the network."""
    in_flight_bytes: int = 1 << 20
    """With this many bytes in flight no more are sent, whatever the rate."""
    delivered_over_s: float = 0.5
    """What was delivered is counted over this time."""
    base_rtt_over_s: float = 60
    """The base RTT is the least round trip of this time."""
    train_bytes: int = 4096
    """A unit as large as this, alone on the path, measures its rate at once."""
    train_share: float = 0.8
    """The target is raised to this share of that measurement."""
    relearn_s: float = 3
    """If a queue stays this long although half as much is sent, the base RTT is learnt anew."""
    ack_timeout_s: float = 5
    """A unit is given up if its acknowledgement is late by this time."""


class Congestion:
    """What is known of one viewer's path."""

    def __init__(self, limits: CongestionLimits) -> None:
        self._limits = limits
        self.in_flight: deque[Sent] = deque()
        self.in_flight_bytes = 0
        self.target_kbps = limits.start_kbps
        """What a stream may send to this viewer, kbit/s; a copy of what `target_rate` says."""
        self.base_rtt_s = 0.0
        """The least round trip of a small unit within the last minute."""
        self.window_bytes = 0.0
        """The number of bytes that may be in flight."""
        self.is_calm = False
        """Is there nothing to learn: no queue, and the target as high as any?"""
        self._base = BaseRtt(limits.base_rtt_over_s)
        self._rate = TargetRate(limits)
        self._delivered = DeliveryRate(limits.delivered_over_s)
        self._calm: tuple[float, float] | None = None
        """When an acknowledgement last showed no queue, and the target at that time."""
        self._answered_at = float("-inf")
        """When a prompt acknowledgement came last."""
        self._refused_at = float("-inf")
        """When there was no room last."""
        self._prompt_at = float("-inf")
        """When a unit with a prompt acknowledgement was sent last."""
        self._relaxed_bytes = 0
        """With more bytes in flight than this no acknowledgement may wait."""
        self._set_window()

    @property
    def is_measured(self) -> bool:
        """Is anything known of the path?"""
        return self._base.is_known

    @property
    def inflation_s(self) -> float:
        """The queue in the network, as the newest acknowledgement showed it."""
        return self._rate.inflation_s

    def note_ping_rtt(self, rtt_s: float, now: float) -> None:
        """Note the floor that the viewer measured by pings, which are smaller than any unit."""
        if self._base.note_ping(rtt_s, now):
            self._set_window()

    def has_room(self, more_bytes: int, now: float) -> bool:
        """May a unit be sent, if `more_bytes` wait in front of it? Notes when the answer was no."""
        used_bytes = self.in_flight_bytes + more_bytes
        if used_bytes == 0:
            return True
        if used_bytes < self.window_bytes:
            if not self.in_flight:
                return True
            oldest = self.in_flight[0]
            late_s = now - oldest.at - self._limits.allowance_s
            # The first condition is nearly always true, and quicker to compute.
            if late_s <= self.base_rtt_s or late_s <= self._due_s(oldest):
                return True
        self._refused_at = now
        return False

    def is_limited(self, now: float) -> bool:
        """Would more be sent if the path took more?"""
        if now - self._refused_at < self._limits.delivered_over_s:
            return True
        return self.delivered_kbps(now) >= self._limits.used_share * self.target_kbps

    def delivered_kbps(self, now: float) -> float:
        """Return what arrived lately, kbit/s."""
        return self._delivered.kbps(now)

    def sent(
        self,
        epoch: int,
        sequence: int,
        idr: bool,
        size_bytes: int,
        now: float,
        may_relax: bool = False,
    ) -> Sent:
        """Note that a unit was sent: it is in flight from now on.

        `may_relax`: the browser keeps up with painting, so the acknowledgement may wait if the path
        is calm, too.
        """
        before_bytes = self.in_flight_bytes
        self.in_flight_bytes += size_bytes
        relaxed = (
            may_relax
            and self.is_calm
            and self.in_flight_bytes + size_bytes <= self._relaxed_bytes
            and now - self._prompt_at < PROMPT_EACH_S
        )
        if not relaxed:
            self._prompt_at = now
        sent = Sent(epoch, sequence, idr, size_bytes, before_bytes, now, relaxed)
        self.in_flight.append(sent)
        return sent

    def acked(self, epoch: int, sequence: int, now: float) -> list[Sent]:
        """Note that the viewer has received this unit, and so all units before it.

        Returns those of these units that were in flight, and takes them out of `in_flight`. If the
        unit itself is not in flight, nothing changes, and the list is empty.
        """
        arrived: list[Sent] = []
        for unit in self.in_flight:
            arrived.append(unit)
            if unit.sequence == sequence and unit.epoch == epoch:
                break
        else:
            return []
        delivered_bytes = 0
        prompt: Sent | None = None
        for unit in arrived:
            self.in_flight.popleft()
            delivered_bytes += unit.size_bytes
            if not unit.relaxed:
                prompt = unit
        self.in_flight_bytes -= delivered_bytes
        self._delivered.add(delivered_bytes, now)
        # A relaxed acknowledgement has waited, so it does not tell how long its unit took.
        if prompt is not None:
            self._learn(prompt, now)
        return arrived

    def is_overdue(self, now: float) -> bool:
        """Is the acknowledgement of a unit late? If none is, a calm path needs no tick."""
        for unit in self.in_flight:
            if now - unit.at > self._due_s(unit):
                return True
            if not unit.relaxed:
                return False
        return False

    def tick(self, now: float) -> None:
        """Look at the time. Called after acknowledgements, and several times a second."""
        overdue_s = 0.0
        self._give_up_late(now)
        for unit in self.in_flight:
            # Silence is an answer, too: a unit whose acknowledgement is late shows inflation.
            overdue_s = max(overdue_s, now - unit.at - self._due_s(unit))
            if not unit.relaxed:
                break
        if overdue_s > self._rate.inflation_s:
            self._observe(overdue_s, now)
        if self._is_elsewhere(now):
            self._learn_base_anew(now)
        if self._rate.is_due(now, self.base_rtt_s):
            self._rate.take(self.delivered_kbps(now), self.is_limited(now), now)
            self._set_window()

    def _give_up_late(self, now: float) -> None:
        while self.in_flight:
            oldest = self.in_flight[0]
            if now - oldest.at <= self._due_s(oldest) + self._limits.ack_timeout_s:
                return
            self.in_flight_bytes -= self.in_flight.popleft().size_bytes

    def _set_window(self) -> None:
        """Compute the windows anew, because the base RTT or the target may have changed."""
        self.base_rtt_s = self._base.floor_s
        self.target_kbps = self._rate.kbps
        bytes_per_s = self.target_kbps * BYTES_PER_KBIT
        window = max(MIN_WINDOW_BYTES, bytes_per_s * (self.base_rtt_s + self._limits.allowance_s))
        self.window_bytes = min(self._limits.in_flight_bytes, window)
        # With more in flight, the next acknowledgement is prompt, and comes a base RTT later. What
        # is sent until then has to fit into the window, too, so that no unit waits for room.
        allowance_bytes = self.window_bytes - bytes_per_s * self.base_rtt_s
        self._relaxed_bytes = round(max(allowance_bytes, self.window_bytes / 2))
        self._judge()

    def _judge(self) -> None:
        self.is_calm = self._rate.is_settled and self._base.is_measured

    def _due_s(self, unit: Sent) -> float:
        """Return how long it should take until a unit is acknowledged."""
        own_s = (unit.before_bytes + unit.size_bytes) / (self.target_kbps * BYTES_PER_KBIT)
        due_s = self.base_rtt_s + own_s
        return due_s + RELAXED_S if unit.relaxed else due_s

    def _learn(self, unit: Sent, now: float) -> None:
        """Learn from the round trip of a unit whose acknowledgement was prompt."""
        limits = self._limits
        rtt_s = now - unit.at
        self._answered_at = now
        is_train = unit.size_bytes >= limits.train_bytes and unit.before_bytes == 0
        if is_train and self._base.is_known:
            own_s = max(TRAIN_LEAST_S, rtt_s - self.base_rtt_s)
            measured_kbps = unit.size_bytes / (own_s * BYTES_PER_KBIT)
            if self._rate.measured(limits.train_share * measured_kbps):
                self._set_window()
        if self._base.note_unit(rtt_s, now):
            self._set_window()
        own_s = unit.size_bytes / (self.target_kbps * BYTES_PER_KBIT)
        inflation_s = rtt_s - self.base_rtt_s - own_s
        self._observe(inflation_s, now)
        if inflation_s <= limits.calm_share * limits.inflation_s:
            self._calm = (now, self.target_kbps)

    def _observe(self, inflation_s: float, now: float) -> None:
        self._rate.observe(inflation_s, now)
        if self.is_calm or self.target_kbps >= self._limits.max_kbps:
            self._judge()

    def _is_elsewhere(self, now: float) -> bool:
        """Has every answer shown a queue for too long, although the rate was halved?"""
        if self._calm is None or now - self._answered_at > self._limits.relearn_s / 3:
            return False
        since, target_then = self._calm
        least = max(self._limits.min_kbps, self._limits.largest_cut * target_then)
        return now - since > self._limits.relearn_s and self.target_kbps <= least

    def _learn_base_anew(self, now: float) -> None:
        self._base.forget(now)
        self._rate.moved()
        self._calm = None
        self._set_window()
