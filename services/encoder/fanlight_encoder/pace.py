"""No more than so many pictures a second.

Pure. A frame may come up to one interval early, so that the jitter of a source at the same rate
does not turn into waiting; over any second the rate still holds.
"""

import math


class Pacer:
    """When the next picture may be encoded."""

    def __init__(self, max_fps: float) -> None:
        self._interval_s = 1.0 / max_fps
        self._next = -math.inf

    @property
    def due_at(self) -> float:
        """From when on."""
        return self._next - self._interval_s

    def made(self, now: float) -> None:
        """One was."""
        self._next = max(self._next, now) + self._interval_s
