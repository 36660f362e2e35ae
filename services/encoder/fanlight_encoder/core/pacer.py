"""Keeps pictures to a rate (per second), give or take a twentieth.

Pure; belongs to one stream. Owns when the next picture is due; drops nothing itself. A picture may
be up to one interval early, so that the jitter of a source at the same rate does not make it wait;
over any second the rate still holds. The limit is TOLERANCE times the rate that is asked for:
capture at "60" makes 60.1 pictures a second, and with a limit of exactly 60 every frame waited a
whole interval in the end (median age at the gateway: 20 ms at 1080p then, 8 to 10 ms since).
"""

import math

TOLERANCE = 1.05


class Pacer:
    """When the next picture may be encoded."""

    def __init__(self, max_fps: float) -> None:
        self._interval_s = 1.0 / (max_fps * TOLERANCE)
        self._next = -math.inf

    @property
    def due_at(self) -> float:
        """From when on the next picture may be encoded, in seconds of the caller's clock."""
        return self._next - self._interval_s

    def encoded(self, now: float) -> None:
        """Note that a picture was encoded at `now`."""
        self._next = max(self._next, now) + self._interval_s
