"""What all viewers' figures add up to, once a second, for /metrics.

Lives on the worker's loop. Labels are desks, never viewers: of those there is no end.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fanlight_gateway import metrics
from fanlight_gateway.metrics import ManyHistogram

INTERVAL_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Figures:
    """One viewer's, now. `path` is None while nothing is known of it, or no video flows."""

    desk: str
    mode: str
    """The rendition; without video `screenshots`."""
    behind_ms: float
    path: "Path | None"


@dataclass(frozen=True, slots=True)
class Path:
    """What `congestion` knows of the way to a viewer."""

    base_rtt_ms: float
    inflation_ms: float
    target_kbps: float
    window_bytes: float
    in_flight_bytes: int


class Tally:
    """Milliseconds that are observed so often that the histogram gets them together."""

    def __init__(self, histogram: ManyHistogram) -> None:
        self._histogram = histogram
        self._counts: dict[int, int] = {}

    def add(self, ms: int) -> None:
        """One more."""
        self._counts[ms] = self._counts.get(ms, 0) + 1

    def flush(self) -> None:
        """Hand over what has come together."""
        for ms, count in self._counts.items():
            self._histogram.observe_many(ms / 1000, count)
        self._counts.clear()


ages = Tally(metrics.age_seconds)
"""Of pictures when they were painted."""


class Sampler:
    """Sets the gauges and fills the histograms."""

    def __init__(self) -> None:
        self._due_ms = 0.0
        self._modes: set[str] = set()
        self._desks: set[str] = set()

    def tick(self, figures: Iterable[Figures], now_ms: float) -> None:
        """Several times a second."""
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + INTERVAL_MS
        ages.flush()
        modes: Counter[str] = Counter()
        behind_ms: dict[str, float] = {}
        for one in figures:
            modes[one.mode] += 1
            behind_ms[one.desk] = max(one.behind_ms, behind_ms.get(one.desk, 0.0))
            if one.path is not None:
                _observe(one.path)
        self._modes |= modes.keys()
        for mode in self._modes:
            metrics.modes.labels(mode).set(modes[mode])
        for desk in self._desks - behind_ms.keys():
            metrics.behind_seconds.remove(desk)
        self._desks = set(behind_ms)
        for desk, late_ms in behind_ms.items():
            metrics.behind_seconds.labels(desk).set(late_ms / 1000)


def _observe(path: Path) -> None:
    metrics.base_rtt_seconds.observe(path.base_rtt_ms / 1000)
    metrics.inflation_seconds.observe(max(0.0, path.inflation_ms) / 1000)
    metrics.target_kbps.observe(path.target_kbps)
    metrics.window_bytes.observe(path.window_bytes)
    metrics.in_flight_bytes.observe(path.in_flight_bytes)
