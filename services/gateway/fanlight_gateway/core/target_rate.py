"""The target rate of a viewer's path: how much a stream may send to this viewer. Pure.

Owns the target, its ceiling (the rate at which a queue formed last), and what is known of the queue
in the network. `congestion` measures round trips, and tells this module the *inflation*: the time
that a round trip took beyond the base RTT and the unit's own time on the link. That is the queue.
Times are in seconds.

The state is the queue (`QueueState`). When an event comes, the first row that fits says how the
target changes. `-` fits everything.

    event     queue     limited  used  ceiling  target
    measured  -         -        -     -        raise
    moved     -         -        -     -        forget
    lasted    inflated  yes      -     -        cut to delivered
    lasted    inflated  no       -     -        cut
    step      high      yes      -     -        ease
    step      high      no       -     -        keep
    step      moderate  -        -     -        keep
    step      low       -        no    -        keep
    step      empty     -        no    -        keep
    step      low       -        yes   near     rise slowly
    step      empty     -        yes   near     rise
    step      low       -        yes   away     rise fast
    step      empty     -        yes   away     rise fast

- measured: a large unit travelled alone, and so has shown what the path carries.
- moved: the path has become another one (`congestion` finds that out).
- lasted: the queue has been inflated for `inflation_sustain_s`.
- step: `step_s` and a base RTT have passed since the last step, so that a round trip has shown what
  that step did. There are no steps while the queue is inflated.
- limited: more would be sent if the path took more.
- used: the stream makes use of the target. Without that the target does not rise, because nothing
  is known of a rate that was not tried.
- ceiling: near if the target is from `near_ceiling` to `past_ceiling` times the ceiling; away if it
  is not, or if no ceiling is known.
- raise: the target becomes what was measured, but at most what is near a known ceiling. This never
  lowers it.
- forget: the target stays, but ceiling and queue are forgotten.
- target: `RateChange` says what each other change does. The target always stays between `min_kbps`
  and `max_kbps`.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class TargetRateLimits:
    """The constants of the algorithm. What was measured with them is in docs/freshness.md."""

    start_kbps: float = 1000
    """A new viewer's path is taken to carry this much, until it has shown how much. A setting."""
    min_kbps: float = 300
    """The lowest target rate."""
    max_kbps: float = 16_000
    """The highest target rate. The encoder has a limit of its own. A setting."""
    inflation_s: float = 0.04
    """Inflation above this is too much. While it lasts, the rate is lowered."""
    inflation_sustain_s: float = 0.5
    """How long the inflation has to last before the rate is lowered."""
    step_s: float = 0.2
    """The rate rises at most once in this time, and not before a round trip has shown what the last
    rise did."""
    smooth_s: float = 0.3
    """The inflation is smoothed over this time."""
    cut: float = 0.85
    """After inflation that lasted, the rate becomes this share of what was delivered."""
    largest_cut: float = 0.5
    """A single cut never lowers the rate to less than this share of itself."""
    ease: float = 0.97
    """With a queue above `ease_share`, the rate falls to this share of itself at each step, so that
    it need not be cut later."""
    ease_share: float = 0.6
    """Of `inflation_s`. See `ease`."""
    calm_share: float = 0.4
    """Of `inflation_s`. With a larger queue the rate does not rise."""
    empty_share: float = 0.1
    """Of `inflation_s`. A smaller queue counts as none."""
    fast_rise: float = 1.5
    """Away from the ceiling the rate grows by this factor each step."""
    slow_rise_per_s: float = 0.05
    """Near the ceiling it grows by this share a second."""
    empty_rise_per_s: float = 0.2
    """Near the ceiling, without any queue, it grows by this share a second."""
    near_ceiling: float = 0.8
    """Near the ceiling means: from this share of the ceiling ..."""
    past_ceiling: float = 1.25
    """... to this share. If there is no queue at an even higher rate, the path has become another
    one."""
    used_share: float = 0.7
    """The target is made use of, and may rise, if this share of it arrives ..."""
    well_used_share: float = 0.85
    """... or, near the ceiling, this share."""


class QueueState(StrEnum):
    """The queue in the network."""

    INFLATED = "inflated"
    """The newest acknowledgement showed more inflation than `inflation_s`."""
    HIGH = "high"
    """The smoothed inflation is above `ease_share`, but the queue is not
    inflated."""
    MODERATE = "moderate"
    """The smoothed inflation is above `calm_share`."""
    LOW = "low"
    """The smoothed inflation is at most `calm_share`."""
    EMPTY = "empty"
    """The smoothed inflation is less than `empty_share`."""


class RateChange(StrEnum):
    """What `TargetRate.take` does to the target."""

    CUT_TO_DELIVERED = "cut to delivered"
    """To `cut` times what was delivered, but at least `largest_cut` times itself. What was
    delivered becomes the ceiling."""
    CUT = "cut"
    """To `cut` times itself."""
    EASE = "ease"
    """To `ease` times itself."""
    KEEP = "keep"
    RISE_SLOWLY = "rise slowly"
    """By `slow_rise_per_s`."""
    RISE = "rise"
    """By `empty_rise_per_s`."""
    RISE_FAST = "rise fast"
    """To `fast_rise` times itself."""


class TargetRate:
    """The target rate of one path."""

    def __init__(self, limits: TargetRateLimits) -> None:
        self.kbps = limits.start_kbps
        """The target."""
        self.inflation_s = 0.0
        """The queue in the network, in seconds, as the newest acknowledgement showed it."""
        self._limits = limits
        self._ceiling_kbps: float | None = None
        """The rate at which a queue formed last. None if none is known."""
        self._inflated_since: float | None = None
        """Since when the inflation has been too much. None if it is not."""
        self._queue_s = 0.0
        """The inflation, smoothed."""
        self._observed_at = float("-inf")
        self._stepped_at = float("-inf")

    @property
    def queue(self) -> QueueState:
        """The state in the table."""
        limits = self._limits
        if self._inflated_since is not None:
            return QueueState.INFLATED
        share = self._queue_s / limits.inflation_s
        if share > limits.ease_share:
            return QueueState.HIGH
        if share > limits.calm_share:
            return QueueState.MODERATE
        return QueueState.EMPTY if share < limits.empty_share else QueueState.LOW

    @property
    def is_settled(self) -> bool:
        """Is the target at its maximum, without a queue? Then there is nothing to learn."""
        return (
            self.kbps >= self._limits.max_kbps
            and self._inflated_since is None
            and self._queue_s <= self._limits.calm_share * self._limits.inflation_s
        )

    def observe(self, inflation_s: float, now: float) -> None:
        """Take the inflation that an acknowledgement, or a late acknowledgement, shows."""
        self.inflation_s = max(0.0, inflation_s)
        share = min(1.0, (now - self._observed_at) / self._limits.smooth_s)
        self._queue_s += share * (self.inflation_s - self._queue_s)
        self._observed_at = now
        if self.inflation_s <= self._limits.inflation_s:
            self._inflated_since = None
        elif self._inflated_since is None:
            self._inflated_since = now

    def measured(self, kbps: float) -> bool:
        """Take the event *measured*: the path carries `kbps`. Return True if that raised the
        target."""
        if self._ceiling_kbps is not None:
            kbps = min(kbps, self._limits.near_ceiling * self._ceiling_kbps)
        if kbps <= self.kbps:
            return False
        self._set(kbps)
        return True

    def moved(self) -> None:
        """Take the event *moved*: forget the ceiling and the queue, because they are of another
        path."""
        self._ceiling_kbps = None
        self._inflated_since = None
        self._queue_s = 0.0

    def is_due(self, now: float, base_rtt_s: float) -> bool:
        """Is an event due for `take` by now?"""
        if self._inflated_since is not None:
            return now - self._inflated_since >= self._limits.inflation_sustain_s
        return now - self._stepped_at >= max(self._limits.step_s, base_rtt_s)

    def take(self, delivered_kbps: float, is_limited: bool, now: float) -> RateChange:
        """Take the event *lasted* if the queue is inflated, else *step*. Changes the target as the
        table says, and returns the change."""
        limits = self._limits
        change = self._change(delivered_kbps, is_limited)
        elapsed_s = min(1.0, now - self._stepped_at)
        self._stepped_at = now
        self._inflated_since = None
        match change:
            case RateChange.CUT_TO_DELIVERED:
                self._ceiling_kbps = max(delivered_kbps, limits.min_kbps)
                cut = limits.cut * min(delivered_kbps, self.kbps)
                self._set(max(cut, limits.largest_cut * self.kbps))
            case RateChange.CUT:
                self._set(limits.cut * self.kbps)
            case RateChange.EASE:
                self._set(limits.ease * self.kbps)
            case RateChange.RISE_SLOWLY:
                self._set(self.kbps * (1 + elapsed_s * limits.slow_rise_per_s))
            case RateChange.RISE:
                self._set(self.kbps * (1 + elapsed_s * limits.empty_rise_per_s))
            case RateChange.RISE_FAST:
                self._set(self.kbps * limits.fast_rise)
        return change

    def _change(self, delivered_kbps: float, is_limited: bool) -> RateChange:
        limits, queue = self._limits, self.queue
        if queue is QueueState.INFLATED:
            return RateChange.CUT_TO_DELIVERED if is_limited else RateChange.CUT
        if queue is QueueState.HIGH and is_limited:
            return RateChange.EASE
        if queue is QueueState.HIGH or queue is QueueState.MODERATE:
            return RateChange.KEEP
        is_near = (
            self._ceiling_kbps is not None
            and limits.near_ceiling <= self.kbps / self._ceiling_kbps <= limits.past_ceiling
        )
        used_share = limits.well_used_share if is_near else limits.used_share
        if delivered_kbps < used_share * self.kbps:
            return RateChange.KEEP
        if not is_near:
            return RateChange.RISE_FAST
        return RateChange.RISE if queue is QueueState.EMPTY else RateChange.RISE_SLOWLY

    def _set(self, kbps: float) -> None:
        self.kbps = min(self._limits.max_kbps, max(self._limits.min_kbps, kbps))
