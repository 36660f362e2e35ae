"""Makes figures of the meter's samples. Pure."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ages:
    """Ages of the picture shown, in ms, over all readings.

    `pictures_per_s` counts different clocks seen, so it is at most what the painter paints and at
    most the readings. `readable` is the share of the readings that saw a clock. `percentiles_ms`
    are the 0th, 1st ... 100th, for plots.
    """

    median_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    pictures_per_s: float
    readings_per_s: float
    readable: float
    percentiles_ms: tuple[float, ...]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the sorted `values` lie (nearest rank)."""
    return values[min(len(values) - 1, int(share * len(values)))]


def ages(samples: Sequence[tuple[float, float]]) -> Ages:
    """Return figures of [now_ms, stamp_ms or -1] samples. Raises ValueError if none saw a clock."""
    valid = [(now, stamp) for now, stamp in samples if stamp >= 0]
    if not valid:
        raise ValueError(f"no clock was read in any of {len(samples)} readings")
    age = sorted(now - stamp for now, stamp in valid)
    changes = sum(1 for (_, a), (_, b) in itertools.pairwise(valid) if a != b)
    seconds = max((samples[-1][0] - samples[0][0]) / 1000, 1e-3)
    return Ages(
        median_ms=percentile(age, 0.5),
        p95_ms=percentile(age, 0.95),
        p99_ms=percentile(age, 0.99),
        max_ms=age[-1],
        pictures_per_s=round(changes / seconds, 1),
        readings_per_s=round(len(samples) / seconds, 1),
        readable=round(len(valid) / len(samples), 3),
        percentiles_ms=tuple(percentile(age, share / 100) for share in range(101)),
    )
