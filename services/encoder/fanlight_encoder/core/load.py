"""How busy this process is, so that the directory can choose among encoders.

Pure. Owns the time that was spent since the last sample.
"""

import math

_SMOOTHED_OVER_S = 2.0


class LoadMeter:
    """Share of the time that was spent on encoding: 1.0 when `capacity` streams do nothing else."""

    def __init__(self, capacity: int, now: float) -> None:
        self._capacity = capacity
        self._at = now
        self._busy_s = 0.0
        self._load = 0.0

    def busy(self, seconds: float) -> None:
        """A picture took so long."""
        self._busy_s += seconds

    def sample(self, now: float) -> float:
        """The load, 0 to 1, smoothed over the last seconds. Begins a new sample."""
        elapsed_s = now - self._at
        if elapsed_s > 0:
            share = min(1.0, self._busy_s / (elapsed_s * self._capacity))
            keep = math.exp(-elapsed_s / _SMOOTHED_OVER_S)
            self._load = keep * self._load + (1 - keep) * share
            self._at, self._busy_s = now, 0.0
        return self._load
