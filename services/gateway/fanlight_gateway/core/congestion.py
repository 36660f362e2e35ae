"""How much a viewer's path carries: bytes in flight, their window, and the target rate. Pure.

Everything is learnt from acknowledgements that come from the browser itself. So it is right through
reverse proxies as well, and it needs one clock only, the gateway's. Times are in milliseconds.

    sent -> in flight -> acked -> RTT -> inflation: RTT - base RTT - the unit's own time on the link
                               -> delivered: what arrived within the last half second

Room. A unit may be sent while what is in flight fits the window, target x (base RTT + allowance),
and while the oldest unit in flight is not much later than it should be. A unit that does not fit
waits in the gate, where it can still be dropped, and the encoder skips pictures.

The target rate. `queue` is the inflation, smoothed, as a share of `inflation_ms`; the ceiling is
the rate at which a queue formed last; "used" means that the stream makes use of the target, for
nothing is known of a rate that was not tried.

    | event                          | condition                | target rate                      |
    |--------------------------------|--------------------------|----------------------------------|
    | a unit is acknowledged         | large, alone on the path | at least 0.8 x its size / time   |
    | inflation lasted 500 ms        | more would be sent       | 0.85 x delivered, at least half; |
    |                                |                          | delivered becomes the ceiling    |
    |                                | less is sent than target | 0.85 x itself                    |
    | a step (200 ms or a base RTT): |                          |                                  |
    |   queue above 60 %             | more would be sent       | 0.97 x itself                    |
    |   queue 40 to 60 %             |                          | unchanged                        |
    |   queue below 40 %             | used, not near ceiling   | 1.5 x itself                     |
    |                                | used, near the ceiling   | + 5 % a second, without any      |
    |                                |                          | queue + 20 %                     |

Three other rules:

- A queue that stays for 3 s, though only half as much is sent, is somebody else's, or the path is
  another one: base RTT and ceiling are learnt anew.
- A unit that is not acknowledged 5 s after it should have been is given up. Otherwise lost
  acknowledgements would stop a stream for ever.
- A path is calm while the target is at its maximum and there is no queue. There is nothing to learn
  on it, so most acknowledgements may wait (relaxed). Each 80 ms one may not; only those tell of the
  round trip. On any other path all are prompt.
"""

from collections import deque
from dataclasses import dataclass

from fanlight_gateway.core.base_rtt import BaseRtt
from fanlight_gateway.core.delivery_rate import DeliveryRate
from fanlight_gateway.core.unit import Sent

TRAIN_LEAST_MS = 5.0
"""What the browser's own scheduling adds or takes; shorter differences are noise."""
MIN_WINDOW_BYTES = 6 * 1460
RELAXED_MS = 100.0
"""How long a viewer may keep back a relaxed acknowledgement: `web/video/acknowledgements.js`."""
PROMPT_EACH_MS = 80.0
"""So often one may not wait: with more units a second than that, most may."""


@dataclass(frozen=True, slots=True)
class CongestionLimits:
    """The constants of the algorithm. What was measured with them is in docs/freshness.md."""

    start_kbps: float = 1000
    """What a new viewer's path is taken to carry, until it has shown. A setting."""
    min_kbps: float = 300
    """The lowest target rate."""
    max_kbps: float = 16_000
    """The highest target rate; the encoder has a ceiling of its own. A setting."""
    allowance_ms: float = 50
    """How much longer than its base RTT a path may take before no more is sent: the queue that is
    allowed in the network."""
    inflation_ms: float = 40
    """Inflation above this is too much; while it lasts the rate is lowered."""
    inflation_sustain_ms: float = 500
    """How long it has to last for that."""
    in_flight_bytes: int = 1 << 20
    """Bytes without acknowledgement at which no more are sent, whatever the rate."""
    step_ms: float = 200
    """The rate rises at most this often, and not before a round trip has told what the last rise
    did."""
    delivered_over_ms: float = 500
    """What was delivered is counted over this time."""
    smooth_ms: float = 300
    """The inflation is smoothed over this time."""
    base_rtt_over_ms: float = 60_000
    """The base RTT is the least of this time."""
    cut: float = 0.85
    """After inflation that lasted, the rate is this share of what was delivered."""
    largest_cut: float = 0.5
    """The rate never falls to less than this share of itself at once."""
    ease: float = 0.97
    """With a queue above `ease_share` the rate falls to this share each step, before it has to be
    cut."""
    ease_share: float = 0.6
    """Of `inflation_ms`; see `ease`."""
    calm_share: float = 0.4
    """Of `inflation_ms`: with more of a queue the rate does not rise."""
    empty_share: float = 0.1
    """Of `inflation_ms`: with less of a queue there is none."""
    fast_rise: float = 1.5
    """Away from the ceiling the rate grows by this factor each step."""
    slow_rise_per_s: float = 0.05
    """Near the ceiling it grows by this share a second."""
    empty_rise_per_s: float = 0.2
    """Near the ceiling, without any queue, it grows by this share a second."""
    near_ceiling: float = 0.8
    """Near the ceiling is from this share of it on ..."""
    past_ceiling: float = 1.25
    """... to this. Above, without a queue, the path has become another one."""
    used_share: float = 0.7
    """A rate is made use of, and may rise, when this share of it arrives ..."""
    well_used_share: float = 0.85
    """... and near the ceiling this share."""
    train_bytes: int = 4096
    """A unit as large as this, alone on the path, measures its rate at once."""
    train_share: float = 0.8
    """This share of that measurement is believed."""
    relearn_ms: float = 3000
    """A queue that stays so long, though half as much is sent, makes the base RTT learnt anew."""
    ack_timeout_ms: float = 5000
    """A unit that is not acknowledged so long after it should have been is given up."""


class Congestion:
    """One viewer's path."""

    def __init__(self, limits: CongestionLimits) -> None:
        self._limits = limits
        self.in_flight: deque[Sent] = deque()
        self.in_flight_bytes = 0
        self.target_kbps = limits.start_kbps
        """What a stream may send to this viewer, kbit/s."""
        self.base_rtt_ms = 0.0
        """The floor of the round trip of a small unit over the last minute."""
        self.window_bytes = 0.0
        """What may be in flight."""
        self.inflation_ms = 0.0
        """The queue in the network, as the newest acknowledgement showed it."""
        self.is_calm = False
        """Is there nothing to learn: no queue, and the target as high as any?"""
        self._base = BaseRtt(limits.base_rtt_over_ms)
        self._delivered = DeliveryRate(limits.delivered_over_ms)
        self._inflated_since: float | None = None
        """Since when the inflation is too much; None: it is not."""
        self._queue_ms = 0.0
        """The inflation, smoothed."""
        self._observed_at = float("-inf")
        self._ceiling_kbps: float | None = None
        """The rate at which a queue formed last."""
        self._calm: tuple[float, float] | None = None
        """When an answer came without a queue last, and the target then."""
        self._answered_at = float("-inf")
        self._stepped_at = float("-inf")
        self._refused_at = float("-inf")
        """When there was no room last."""
        self._prompt_at = float("-inf")
        """When a unit was sent last whose acknowledgement may not wait."""
        self._relaxed_bytes = 0
        """What may be in flight where acknowledgements may wait."""
        self._set_window()

    @property
    def is_measured(self) -> bool:
        """Is anything known of the path?"""
        return self._base.is_known

    def note_ping_rtt(self, rtt_ms: float, now_ms: float) -> None:
        """The floor that the viewer measured itself, by pings: they are smaller than any unit."""
        if self._base.note_ping(rtt_ms, now_ms):
            self._set_window()

    def has_room(self, more_bytes: int, now_ms: float) -> bool:
        """May something be sent, when `more_bytes` wait in front of it? Notes a refusal."""
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
        return self._delivered.kbps(now_ms)

    def sent(
        self,
        epoch: int,
        sequence: int,
        idr: bool,
        size_bytes: int,
        now_ms: float,
        may_relax: bool = False,
    ) -> Sent:
        """A unit was sent: it is in flight from now on. `may_relax`: the browser keeps up, too."""
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
        self._delivered.add(delivered_bytes, now_ms)
        # A relaxed acknowledgement waited, so it does not tell how long its unit took.
        if prompt is not None:
            self._learn(prompt, now_ms)
        return arrived

    def is_overdue(self, now_ms: float) -> bool:
        """Should a unit have been acknowledged before now? If not, a calm path needs no tick."""
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
            self._step(now_ms)

    def _give_up_late(self, now_ms: float) -> None:
        while self.in_flight:
            oldest = self.in_flight[0]
            if now_ms - oldest.at_ms <= self._due_ms(oldest) + self._limits.ack_timeout_ms:
                return
            self.in_flight_bytes -= self.in_flight.popleft().size_bytes

    def _set_window(self) -> None:
        """The base RTT or the target has changed: the windows follow."""
        self.base_rtt_ms = self._base.ms
        path_ms = self.base_rtt_ms + self._limits.allowance_ms
        window = max(MIN_WINDOW_BYTES, self.target_kbps * path_ms / 8)
        self.window_bytes = min(self._limits.in_flight_bytes, window)
        # What is sent until the answer to a prompt unit arrives has to fit, too, so that no unit
        # waits for it: that is what the path itself holds, and one more unit may always go.
        allowance_bytes = self.window_bytes - self.target_kbps * self.base_rtt_ms / 8
        self._relaxed_bytes = round(max(allowance_bytes, self.window_bytes / 2))
        self._judge()

    def _judge(self) -> None:
        self.is_calm = (
            self.target_kbps >= self._limits.max_kbps
            and self._base.is_measured
            and self._inflated_since is None
            and self._queue_ms <= self._limits.calm_share * self._limits.inflation_ms
        )

    def _due_ms(self, unit: Sent) -> float:
        """How long it should take until a unit is acknowledged."""
        due_ms = self.base_rtt_ms + (unit.before_bytes + unit.size_bytes) * 8 / self.target_kbps
        return due_ms + RELAXED_MS if unit.relaxed else due_ms

    def _learn(self, unit: Sent, now_ms: float) -> None:
        """What the round trip of a prompt unit says."""
        limits = self._limits
        rtt_ms = now_ms - unit.at_ms
        self._answered_at = now_ms
        is_train = unit.size_bytes >= limits.train_bytes and unit.before_bytes == 0
        if is_train and self._base.is_known:
            own_ms = max(TRAIN_LEAST_MS, rtt_ms - self.base_rtt_ms)
            self._measure(limits.train_share * unit.size_bytes * 8 / own_ms)
        if self._base.note_unit(rtt_ms, now_ms):
            self._set_window()
        inflation_ms = rtt_ms - self.base_rtt_ms - unit.size_bytes * 8 / self.target_kbps
        self._observe(inflation_ms, now_ms)
        if inflation_ms <= limits.calm_share * limits.inflation_ms:
            self._calm = (now_ms, self.target_kbps)

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

    def _measure(self, kbps: float) -> None:
        """A unit that travelled alone has shown that the path carries this."""
        if self._ceiling_kbps is not None:
            kbps = min(kbps, self._limits.near_ceiling * self._ceiling_kbps)
        if kbps > self.target_kbps:
            self._set_target(kbps)

    def _cut(self, now_ms: float) -> None:
        """Inflation has lasted."""
        self._inflated_since = None
        self._stepped_at = now_ms
        self._judge()
        if not self.is_limited(now_ms):
            self._set_target(self._limits.cut * self.target_kbps)
            return
        delivered = self.delivered_kbps(now_ms)
        self._ceiling_kbps = max(delivered, self._limits.min_kbps)
        cut = self._limits.cut * min(delivered, self.target_kbps)
        self._set_target(max(cut, self._limits.largest_cut * self.target_kbps))

    def _step(self, now_ms: float) -> None:
        """It is time for another step, unless inflation has begun, which a cut may end."""
        if self._inflated_since is not None:
            return
        limits = self._limits
        elapsed_s = min(1.0, (now_ms - self._stepped_at) / 1000)
        self._stepped_at = now_ms
        queue = self._queue_ms / limits.inflation_ms
        if queue > limits.calm_share:
            if queue > limits.ease_share and self.is_limited(now_ms):
                self._set_target(self.target_kbps * limits.ease)
            return
        ceiling = self._ceiling_kbps
        is_near = (
            ceiling is not None
            and limits.near_ceiling <= self.target_kbps / ceiling <= limits.past_ceiling
        )
        used_share = limits.well_used_share if is_near else limits.used_share
        if self.delivered_kbps(now_ms) < used_share * self.target_kbps:
            return
        if is_near:
            is_empty = queue < limits.empty_share
            per_s = limits.empty_rise_per_s if is_empty else limits.slow_rise_per_s
            self._set_target(self.target_kbps * (1 + elapsed_s * per_s))
        else:
            self._set_target(self.target_kbps * limits.fast_rise)

    def _is_elsewhere(self, now_ms: float) -> bool:
        """Has halving the rate brought no answer without a queue, for long enough?"""
        if self._calm is None or now_ms - self._answered_at > self._limits.relearn_ms / 3:
            return False
        since, target_then = self._calm
        least = max(self._limits.min_kbps, self._limits.largest_cut * target_then)
        return now_ms - since > self._limits.relearn_ms and self.target_kbps <= least

    def _learn_base_anew(self, now_ms: float) -> None:
        self._base.forget(now_ms)
        self._calm = None
        self._ceiling_kbps = None
        self._inflated_since = None
        self._queue_ms = 0.0
        self._set_window()

    def _set_target(self, kbps: float) -> None:
        self.target_kbps = min(self._limits.max_kbps, max(self._limits.min_kbps, kbps))
        self._set_window()
