"""When is a process that died started again, and when is it given up?

Pure. Time is an argument.
"""

from collections import deque

LIMIT = 5
WINDOW_S = 60.0
_DELAYS_S = (0.0, 0.5, 1.0, 2.0)
"""After the first death in the window, the second ... At once first: most deaths are single."""
REST_S = 10.0


class Restarts:
    """One process's record. Five deaths within a minute are a fault that no restart will mend."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque()

    def died(self, now: float) -> float | None:
        """Seconds to wait before the next start; None: give it up."""
        while self._deaths and now - self._deaths[0] >= WINDOW_S:
            self._deaths.popleft()
        self._deaths.append(now)
        if len(self._deaths) >= LIMIT:
            return None
        return _DELAYS_S[len(self._deaths) - 1]
