"""No more than so many pictures a second, give or take a twentieth.

Pure. A picture may be up to one interval early, so that the jitter of a source at the same rate
does not turn into waiting; over any second the rate still holds. It is held to TOLERANCE times what
was asked for: capture at "60" makes 60.1, and with a limit of exactly 60 every frame in the end
waited a whole interval (age at the gateway: median 20 ms at 1080p, 8 to 10 ms since).
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
        """From when on, in the caller's seconds."""
        return self._next - self._interval_s

    def encoded(self, now: float) -> None:
        """A picture was encoded at `now`."""
        self._next = max(self._next, now) + self._interval_s
