"""When a process that died is started again, and when it is given up.

Pure: time is an argument, in monotonic seconds. Owns the times of one process's last deaths, and
drops those that are a minute old (WINDOW_S).

The state is how many of the last five deaths are in the last minute. `died` is a further death, and
`forget` is that the oldest of these deaths becomes a minute old.

    deaths  event   deaths after  effect
    0       died    1             start at once
    1       died    2             start after 0.5 s
    2       died    3             start after 1 s
    3       died    4             start after 2 s
    4       died    5             give up
    5       died    5             give up
    1       forget  0             -
    2       forget  1             -
    3       forget  2             -
    4       forget  3             -
    5       forget  4             -

A process that may not be given up is started after REST_S instead. A test holds that the code does
what the table says.
"""

from collections import deque

LIMIT = 5
WINDOW_S = 60.0
_DELAYS_S = (0.0, 0.5, 1.0, 2.0)
"""The pause after the first death in the window, the second, and so on. There is no pause after the
first, because most deaths are single."""
REST_S = 10.0
"""The pause before another try of a process that may not be given up."""


class Restarts:
    """The deaths of one process. LIMIT within WINDOW_S are a fault that no restart mends."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=LIMIT)

    def died(self, now: float) -> float | None:
        """Record a death. Returns the seconds to wait before the next start, None to give up."""
        while self._deaths and now - self._deaths[0] >= WINDOW_S:
            self._deaths.popleft()
        self._deaths.append(now)
        if len(self._deaths) >= LIMIT:
            return None
        return _DELAYS_S[len(self._deaths) - 1]
