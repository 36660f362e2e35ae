"""Adds up the samples of all viewers once a second, for /metrics.

Lives on the worker's loop. Labels are desks and never viewers, because the number of viewers has no
bound.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fanlight_gateway import metrics
from fanlight_gateway.core.congestion import Congestion
from fanlight_gateway.metrics import ManyHistogram

INTERVAL_S = 1.0
"""Seconds from one sample to the next."""


@dataclass(frozen=True, slots=True)
class ViewerSample:
    """How one viewer's video is now."""

    desk: str
    mode: str
    """The rendition; `screenshots` without video."""
    behind_s: float
    """For how long the viewer has not painted what its stream has."""
    path: Congestion | None
    """The viewer's path, which is read at once. None while nothing is known of it, or no video
    flows."""


class BatchedHistogram:
    """Counts ages in the whole milliseconds that viewers tell, and gives them to a histogram
    together, in seconds, because `observe` is too slow for 30,000 a second."""

    def __init__(self, histogram: ManyHistogram) -> None:
        self._histogram = histogram
        self._counts: dict[int, int] = {}

    def add(self, age_ms: int) -> None:
        """Count one more age."""
        self._counts[age_ms] = self._counts.get(age_ms, 0) + 1

    def flush(self) -> None:
        """Give the histogram all that was counted since the last time."""
        for age_ms, count in self._counts.items():
            self._histogram.observe_many(age_ms / 1000, count)
        self._counts.clear()


picture_ages = BatchedHistogram(metrics.age_seconds)
"""The ages of pictures at the time of their painting, as viewers tell."""


class Sampler:
    """Sets the gauges and fills the histograms."""

    def __init__(self) -> None:
        self._due_at = 0.0
        self._modes: set[str] = set()
        """Modes that have a gauge. If nobody is in a mode any more, its gauge is set to 0."""
        self._desks: set[str] = set()
        """Desks that have a gauge. The gauge of a desk without viewers is removed."""

    def tick(self, samples: Iterable[ViewerSample], now: float) -> None:
        """Take the samples, if a second has passed since the last time. Called several times a
        second."""
        if now < self._due_at:
            return
        self._due_at = now + INTERVAL_S
        picture_ages.flush()
        modes: Counter[str] = Counter()
        behind_s: dict[str, float] = {}
        for sample in samples:
            modes[sample.mode] += 1
            behind_s[sample.desk] = max(sample.behind_s, behind_s.get(sample.desk, 0.0))
            if sample.path is not None:
                _observe(sample.path)
        self._modes |= modes.keys()
        for mode in self._modes:
            metrics.modes.labels(mode).set(modes[mode])
        for desk in self._desks - behind_s.keys():
            metrics.behind_seconds.remove(desk)
        self._desks = set(behind_s)
        for desk, seconds in behind_s.items():
            metrics.behind_seconds.labels(desk).set(seconds)


def _observe(path: Congestion) -> None:
    metrics.base_rtt_seconds.observe(path.base_rtt_s)
    metrics.inflation_seconds.observe(path.inflation_s)
    metrics.target_kbps.observe(path.target_kbps)
    metrics.window_bytes.observe(path.window_bytes)
    metrics.in_flight_bytes.observe(path.in_flight_bytes)
