"""How busy this process is, so that the directory can choose among encoders.

Pure; belongs to one process, and is used on its loop. Owns the seconds that were spent on encoding
since the last sample; drops nothing.
"""

import math

_SMOOTHED_OVER_S = 2.0


class LoadMeter:
    """The share of time that is spent on encoding: 1.0 if `capacity` streams do nothing else."""

    def __init__(self, capacity: int, now: float) -> None:
        self._capacity = capacity
        self._at = now
        self._busy_s = 0.0
        self._load = 0.0

    def busy(self, seconds: float) -> None:
        """Note that a picture took `seconds`."""
        self._busy_s += seconds

    def sample(self, now: float) -> float:
        """Return the load, 0 to 1, smoothed over the last seconds. Begins a new sample."""
        elapsed_s = now - self._at
        if elapsed_s > 0:
            share = min(1.0, self._busy_s / (elapsed_s * self._capacity))
            keep = math.exp(-elapsed_s / _SMOOTHED_OVER_S)
            self._load = keep * self._load + (1 - keep) * share
            self._at, self._busy_s = now, 0.0
        return self._load
