"""From samples to figures. Pure."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ages:
    """Ages of the picture shown, ms, over all animation frames; pictures a second; frames read."""

    median_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    pictures_per_s: float
    readable: float
    frames: int


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted `values` lie (nearest rank)."""
    return values[min(len(values) - 1, int(share * len(values)))]


def ages(samples: Sequence[tuple[float, float]]) -> Ages:
    """Figures of [now_ms, stamp_ms or -1] samples. Raises ValueError where no clock was read."""
    valid = [(now, stamp) for now, stamp in samples if stamp >= 0]
    if not valid:
        raise ValueError(f"no clock was read on any of {len(samples)} animation frames")
    age = sorted(now - stamp for now, stamp in valid)
    changes = sum(1 for (_, a), (_, b) in itertools.pairwise(valid) if a != b)
    seconds = max((samples[-1][0] - samples[0][0]) / 1000, 1e-3)
    return Ages(
        percentile(age, 0.5), percentile(age, 0.95), percentile(age, 0.99), age[-1],
        changes / seconds, len(valid) / len(samples), len(samples),
    )  # fmt: skip
