"""How much a viewer's path carries: bytes in flight, their window, and the rate to aim at. Pure.

Everything is learnt from acknowledgements that come from the browser itself, so it is right through
reverse proxies as well, and on one clock, the gateway's. Times are in milliseconds.

    sent -> in flight -> acked -> RTT -> inflation: RTT - base RTT - the unit's own time on the link
                               -> delivered: what arrived within the last half second

- There is room while what is in flight fits the path: target x (base RTT + allowance), and while no
  unit is out for much longer than that should take. What does not fit waits in the gate, where it
  can still be dropped, and the encoder skips.
- Inflation that lasts: the target falls to what was delivered, less a little, and that rate is
  remembered as the ceiling. It then rises slowly near the ceiling, and fast far below it; only
  while the stream makes use of it, for what was not tried is not known.
- A large unit that travelled alone tells what the path carries at once: its size over its time.
- A queue that lasts though only half as much is sent is not ours, or the path is another one: then
  the base RTT is learnt anew.
- Acknowledgements that never come must not stop a stream for ever: after a while they are given up.
- Where there is nothing to learn most acknowledgements may wait (`relaxed`): the target is the most
  that is ever aimed at, no queue is seen, and there is room. Every so often one may not, and
  only those tell of the round trip. On any lesser path all are prompt.
"""

from collections import deque
from dataclasses import dataclass

BASE_BUCKETS = 6
"""The base RTT is forgotten in so many steps."""
UNMEASURED_RTT_MS = 100.0
"""Taken for the base RTT until there was an answer."""
TRAIN_LEAST_MS = 5.0
"""What the browser's own scheduling adds or takes; shorter differences are noise."""
MIN_WINDOW_BYTES = 6 * 1460
RELAXED_MS = 100.0
"""How long a viewer may keep back a relaxed acknowledgement: `web/video/acknowledgements.js`."""
PROMPT_EACH_MS = 80.0
"""So often one may not wait: with more units a second than that, most may."""


@dataclass(frozen=True, slots=True)
class CongestionLimits:
    """The constants; what each means, and its default, is in `video_settings`."""

    start_kbps: float
    min_kbps: float
    max_kbps: float
    allowance_ms: float
    inflation_ms: float
    inflation_sustain_ms: float
    in_flight_bytes: int
    step_ms: float
    delivered_over_ms: float
    smooth_ms: float
    base_rtt_over_ms: float
    cut: float
    largest_cut: float
    ease: float
    ease_share: float
    calm_share: float
    empty_share: float
    fast_rise: float
    slow_rise_per_s: float
    empty_rise_per_s: float
    near_ceiling: float
    past_ceiling: float
    used_share: float
    well_used_share: float
    train_bytes: int
    train_share: float
    relearn_ms: float
    ack_timeout_ms: float


@dataclass(slots=True)
class Sent:
    """A unit on its way. Not frozen: that doubles what it costs to make one, 30,000 a second."""

    epoch: int
    sequence: int
    idr: bool
    size_bytes: int
    before_bytes: int
    """What was in flight already when it was sent."""
    at_ms: float
    relaxed: bool = False
    """May its acknowledgement wait?"""


class Congestion:
    """One viewer's path."""

    def __init__(self, limits: CongestionLimits) -> None:
        self._limits = limits
        self.in_flight: deque[Sent] = deque()
        self.in_flight_bytes = 0
        self.target_kbps = limits.start_kbps
        """What a stream may send to this viewer, kbit/s."""
        self.base_rtt_ms = UNMEASURED_RTT_MS
        """The floor of the round trip of a small unit over the last minute."""
        self.window_bytes = 0.0
        """What may be in flight."""
        self.inflation_ms = 0.0
        """The queue in the network, as the newest acknowledgement showed it."""
        self._told_base_ms: float | None = None
        self._told_from = float("-inf")
        self._base: deque[tuple[float, float]] = deque()
        """Bucket's begin and least RTT."""
        self._delivered: deque[tuple[float, int]] = deque()
        self._delivered_bytes = 0
        self._inflated_since: float | None = None
        self._queue_ms = 0.0
        """The inflation, smoothed."""
        self._observed_at = float("-inf")
        self._ceiling_kbps: float | None = None
        self._calm: tuple[float, float] | None = None
        """When an answer last came without a queue, and the target then."""
        self._answered_at = float("-inf")
        self._stepped_at = float("-inf")
        self._refused_at = float("-inf")
        self._prompt_at = float("-inf")
        """When a unit was sent last whose acknowledgement may not wait."""
        self.is_calm = False
        """Is there nothing to learn: no queue, and the target as high as any?"""
        self._relaxed_bytes = 0
        """What may be in flight where acknowledgements may wait."""
        self._set_window()

    @property
    def is_measured(self) -> bool:
        """Is anything known of the path?"""
        return bool(self._base) or self._told_base_ms is not None

    def told_base_rtt(self, rtt_ms: float, now_ms: float) -> None:
        """The floor that the viewer measured itself, by pings: smaller than any unit."""
        if now_ms >= self._told_from and rtt_ms != self._told_base_ms:
            self._told_base_ms = rtt_ms
            self._set_base()

    def has_room(self, more_bytes: int, now_ms: float) -> bool:
        """May something be sent, when `more_bytes` wait in front of it?"""
        used_bytes = self.in_flight_bytes + more_bytes
        if used_bytes == 0:
            return True
        if used_bytes < self.window_bytes:
            if not self.in_flight:
                return True
            oldest = self.in_flight[0]
            late_ms = now_ms - oldest.at_ms - self._limits.allowance_ms
            # The first is true of most, and quicker.
            if late_ms <= self.base_rtt_ms or late_ms <= self._due_ms(oldest):
                return True
        self._refused_at = now_ms
        return False

    def is_limited(self, now_ms: float) -> bool:
        """Would more be sent if the path took more?"""
        if now_ms - self._refused_at < self._limits.delivered_over_ms:
            return True
        return self.delivered_kbps(now_ms) >= self._limits.used_share * self.target_kbps

    def delivered_kbps(self, now_ms: float) -> float:
        """What arrived lately, kbit/s."""
        self._note_delivered(0, now_ms)
        return self._delivered_bytes * 8 / self._limits.delivered_over_ms

    def sent(
        self,
        epoch: int,
        sequence: int,
        idr: bool,
        size_bytes: int,
        now_ms: float,
        may_relax: bool = False,
    ) -> Sent:
        """A unit went out. `may_relax`: the browser keeps up, too."""
        before_bytes = self.in_flight_bytes
        self.in_flight_bytes += size_bytes
        relaxed = (
            may_relax
            and self.is_calm
            and self.in_flight_bytes + size_bytes <= self._relaxed_bytes
            and now_ms - self._prompt_at < PROMPT_EACH_MS
        )
        if not relaxed:
            self._prompt_at = now_ms
        sent = Sent(epoch, sequence, idr, size_bytes, before_bytes, now_ms, relaxed)
        self.in_flight.append(sent)
        return sent

    def acked(self, epoch: int, sequence: int, now_ms: float) -> list[Sent]:
        """The viewer has this unit, and so all before it: those of them that were in flight.

        None for a unit that is unknown, which says nothing.
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
        self._note_delivered(delivered_bytes, now_ms)
        # How long the others took nobody knows: their acknowledgement waited.
        if prompt is not None:
            self._learn(prompt, now_ms)
        return arrived

    def is_overdue(self, now_ms: float) -> bool:
        """Should a unit have been acknowledged before now? Where not, a calm path needs no tick."""
        for unit in self.in_flight:
            if now_ms - unit.at_ms > self._due_ms(unit):
                return True
            if not unit.relaxed:
                return False
        return False

    def tick(self, now_ms: float) -> None:
        """Time passes; to be called with every acknowledgement, and several times a second."""
        overdue_ms = 0.0
        self._give_up_late(now_ms)
        for unit in self.in_flight:
            # Silence is an answer, too: a unit that should have arrived long ago is inflation.
            overdue_ms = max(overdue_ms, now_ms - unit.at_ms - self._due_ms(unit))
            if not unit.relaxed:
                break
        if overdue_ms > self.inflation_ms:
            self._observe(overdue_ms, now_ms)
        if self._is_elsewhere(now_ms):
            self._learn_base_anew(now_ms)
        since = self._inflated_since
        if since is not None and now_ms - since >= self._limits.inflation_sustain_ms:
            self._cut(now_ms)
        elif now_ms - self._stepped_at >= max(self._limits.step_ms, self.base_rtt_ms):
            self._rise(now_ms)

    def _note_delivered(self, size_bytes: int, now_ms: float) -> None:
        delivered = self._delivered
        if size_bytes:
            delivered.append((now_ms, size_bytes))
            self._delivered_bytes += size_bytes
        # With every acknowledgement, too: on a calm path nobody asks how much it was.
        while delivered and now_ms - delivered[0][0] > self._limits.delivered_over_ms:
            self._delivered_bytes -= delivered.popleft()[1]

    def _give_up_late(self, now_ms: float) -> None:
        while self.in_flight:
            oldest = self.in_flight[0]
            if now_ms - oldest.at_ms <= self._due_ms(oldest) + self._limits.ack_timeout_ms:
                return
            self.in_flight_bytes -= self.in_flight.popleft().size_bytes

    def _set_base(self) -> None:
        """What was measured or told has changed."""
        told_ms = self._told_base_ms
        known_ms = min((least for _, least in self._base), default=told_ms)
        if known_ms is None:
            self.base_rtt_ms = UNMEASURED_RTT_MS
        else:
            self.base_rtt_ms = known_ms if told_ms is None else min(known_ms, told_ms)
        self._set_window()

    def _set_window(self) -> None:
        """The base RTT or the target has changed."""
        path_ms = self.base_rtt_ms + self._limits.allowance_ms
        window = max(MIN_WINDOW_BYTES, self.target_kbps * path_ms / 8)
        self.window_bytes = min(self._limits.in_flight_bytes, window)
        # What is sent until the answer to a prompt one is there has to fit, too, so that no unit
        # is held up for it: that is what the path holds, and one more may always go.
        allowance_bytes = self.window_bytes - self.target_kbps * self.base_rtt_ms / 8
        self._relaxed_bytes = round(max(allowance_bytes, self.window_bytes / 2))
        self._judge()

    def _judge(self) -> None:
        self.is_calm = (
            self.target_kbps >= self._limits.max_kbps
            and bool(self._base)
            and self._inflated_since is None
            and self._queue_ms <= self._limits.calm_share * self._limits.inflation_ms
        )

    def _due_ms(self, unit: Sent) -> float:
        """How long it should take until a unit is acknowledged."""
        due_ms = self.base_rtt_ms + (unit.before_bytes + unit.size_bytes) * 8 / self.target_kbps
        return due_ms + RELAXED_MS if unit.relaxed else due_ms

    def _learn(self, unit: Sent, now_ms: float) -> None:
        rtt_ms = now_ms - unit.at_ms
        self._answered_at = now_ms
        base_ms = self.base_rtt_ms
        measured = bool(self._base) or self._told_base_ms is not None
        if measured and unit.size_bytes >= self._limits.train_bytes and unit.before_bytes == 0:
            kbps = unit.size_bytes * 8 / max(TRAIN_LEAST_MS, rtt_ms - base_ms)
            self._train(kbps * self._limits.train_share)
        self._note_base(rtt_ms, now_ms)
        own_ms = unit.size_bytes * 8 / self.target_kbps
        self._observe(rtt_ms - self.base_rtt_ms - own_ms, now_ms)
        if (
            rtt_ms - self.base_rtt_ms - own_ms
            <= self._limits.calm_share * self._limits.inflation_ms
        ):
            self._calm = (now_ms, self.target_kbps)

    def _note_base(self, rtt_ms: float, now_ms: float) -> None:
        if (
            not self._base
            or now_ms - self._base[-1][0] > self._limits.base_rtt_over_ms / BASE_BUCKETS
        ):
            self._base.append((now_ms, rtt_ms))
        elif rtt_ms < self._base[-1][1]:
            self._base[-1] = (self._base[-1][0], rtt_ms)
        else:
            return
        while len(self._base) > BASE_BUCKETS:
            self._base.popleft()
        self._set_base()

    def _observe(self, inflation_ms: float, now_ms: float) -> None:
        self.inflation_ms = max(0.0, inflation_ms)
        share = min(1.0, (now_ms - self._observed_at) / self._limits.smooth_ms)
        self._queue_ms += share * (self.inflation_ms - self._queue_ms)
        self._observed_at = now_ms
        if self.inflation_ms <= self._limits.inflation_ms:
            self._inflated_since = None
        elif self._inflated_since is None:
            self._inflated_since = now_ms
        if self.is_calm or self.target_kbps >= self._limits.max_kbps:
            self._judge()

    def _train(self, kbps: float) -> None:
        if self._ceiling_kbps is not None:
            kbps = min(kbps, self._limits.near_ceiling * self._ceiling_kbps)
        if kbps > self.target_kbps:
            self._aim(kbps)

    def _cut(self, now_ms: float) -> None:
        self._inflated_since = None
        self._stepped_at = now_ms
        self._judge()
        if not self.is_limited(now_ms):
            self._aim(self._limits.cut * self.target_kbps)
            return
        delivered = self.delivered_kbps(now_ms)
        self._ceiling_kbps = max(delivered, self._limits.min_kbps)
        cut = self._limits.cut * min(delivered, self.target_kbps)
        self._aim(max(cut, self._limits.largest_cut * self.target_kbps))

    def _is_elsewhere(self, now_ms: float) -> bool:
        """Has halving the rate brought no answer without a queue, for long enough?"""
        if self._calm is None or now_ms - self._answered_at > self._limits.relearn_ms / 3:
            return False
        since, target_then = self._calm
        least = max(self._limits.min_kbps, self._limits.largest_cut * target_then)
        return now_ms - since > self._limits.relearn_ms and self.target_kbps <= least

    def _learn_base_anew(self, now_ms: float) -> None:
        self._base.clear()
        self._told_base_ms = None
        self._told_from = now_ms + self._limits.base_rtt_over_ms
        self._calm = None
        self._ceiling_kbps = None
        self._inflated_since = None
        self._queue_ms = 0.0
        self._set_base()

    def _rise(self, now_ms: float) -> None:
        if self._inflated_since is not None:
            return
        elapsed_s = min(1.0, (now_ms - self._stepped_at) / 1000)
        self._stepped_at = now_ms
        if self._queue_ms > self._limits.calm_share * self._limits.inflation_ms:
            if (
                self._queue_ms > self._limits.ease_share * self._limits.inflation_ms
                and self.is_limited(now_ms)
            ):
                self._aim(self.target_kbps * self._limits.ease)
            return
        delivered = self.delivered_kbps(now_ms)
        ceiling = self._ceiling_kbps
        near = (
            ceiling is not None
            and self._limits.near_ceiling <= self.target_kbps / ceiling <= self._limits.past_ceiling
        )
        if (
            delivered
            >= (self._limits.well_used_share if near else self._limits.used_share)
            * self.target_kbps
        ):
            empty = self._queue_ms < self._limits.empty_share * self._limits.inflation_ms
            slow = 1 + elapsed_s * (
                self._limits.empty_rise_per_s if empty else self._limits.slow_rise_per_s
            )
            self._aim(self.target_kbps * (slow if near else self._limits.fast_rise))

    def _aim(self, kbps: float) -> None:
        self.target_kbps = min(self._limits.max_kbps, max(self._limits.min_kbps, kbps))
        self._set_window()
