"""When a process that died is started again, and when it is given up.

Time is an argument, in monotonic seconds.
"""

from collections import deque

LIMIT = 5
WINDOW_S = 60.0
_DELAYS_S = (0.0, 0.5, 1.0, 2.0)
"""The pause after the first death in the window, the second, and so on. There is none after the
first, because most deaths are single."""
REST_S = 10.0
"""The pause before another try of a process that may not be given up."""


class Restarts:
    """The deaths of one process. Five within a minute are a fault that no restart will mend."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque()

    def died(self, now: float) -> float | None:
        """Record a death: the seconds to wait before the next start, or None to give up."""
        while self._deaths and now - self._deaths[0] >= WINDOW_S:
            self._deaths.popleft()
        self._deaths.append(now)
        if len(self._deaths) >= LIMIT:
            return None
        return _DELAYS_S[len(self._deaths) - 1]
