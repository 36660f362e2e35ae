"""Samples of all viewers, added up once a second for /metrics.

Lives on the worker's loop. Labels are desks, never viewers, whose number has no bound.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fanlight_gateway import metrics
from fanlight_gateway.metrics import ManyHistogram

INTERVAL_MS = 1000.0


@dataclass(frozen=True, slots=True)
class ViewerSample:
    """How one viewer's video is now."""

    desk: str
    mode: str
    """The rendition; `screenshots` without video."""
    behind_ms: float
    """For how long the viewer has not painted what its stream has."""
    path: "PathSample | None"
    """None while nothing is known of the path, or no video flows."""


@dataclass(frozen=True, slots=True)
class PathSample:
    """What `congestion` knows of the path to a viewer."""

    base_rtt_ms: float
    inflation_ms: float
    target_kbps: float
    window_bytes: float
    in_flight_bytes: int


class BatchedHistogram:
    """Counts whole milliseconds, and gives them to a histogram together: `observe` is too slow for
    30,000 a second."""

    def __init__(self, histogram: ManyHistogram) -> None:
        self._histogram = histogram
        self._counts: dict[int, int] = {}

    def add(self, ms: int) -> None:
        """One more observation."""
        self._counts[ms] = self._counts.get(ms, 0) + 1

    def flush(self) -> None:
        """Give the histogram what was added since the last time."""
        for ms, count in self._counts.items():
            self._histogram.observe_many(ms / 1000, count)
        self._counts.clear()


picture_ages = BatchedHistogram(metrics.age_seconds)
"""Ages of pictures when they were painted, as viewers tell."""


class Sampler:
    """Sets the gauges and fills the histograms."""

    def __init__(self) -> None:
        self._due_ms = 0.0
        self._modes: set[str] = set()
        """Modes that have a gauge; one that nobody is in any more is set to 0."""
        self._desks: set[str] = set()
        """Desks that have a gauge; one without viewers is removed."""

    def tick(self, samples: Iterable[ViewerSample], now_ms: float) -> None:
        """Several times a second. Takes the samples only when a second has passed."""
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + INTERVAL_MS
        picture_ages.flush()
        modes: Counter[str] = Counter()
        behind_ms: dict[str, float] = {}
        for sample in samples:
            modes[sample.mode] += 1
            behind_ms[sample.desk] = max(sample.behind_ms, behind_ms.get(sample.desk, 0.0))
            if sample.path is not None:
                _observe(sample.path)
        self._modes |= modes.keys()
        for mode in self._modes:
            metrics.modes.labels(mode).set(modes[mode])
        for desk in self._desks - behind_ms.keys():
            metrics.behind_seconds.remove(desk)
        self._desks = set(behind_ms)
        for desk, ms in behind_ms.items():
            metrics.behind_seconds.labels(desk).set(ms / 1000)


def _observe(path: PathSample) -> None:
    metrics.base_rtt_seconds.observe(path.base_rtt_ms / 1000)
    metrics.inflation_seconds.observe(max(0.0, path.inflation_ms) / 1000)
    metrics.target_kbps.observe(path.target_kbps)
    metrics.window_bytes.observe(path.window_bytes)
    metrics.in_flight_bytes.observe(path.in_flight_bytes)
