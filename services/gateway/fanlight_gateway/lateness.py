"""Since when a viewer has not painted what its stream has. Pure; times in milliseconds.

Nothing is late on a desk that does not change. When it changes, everything up to the paint counts:
the wait for room, units that were dropped and the IDR after them, the way there, the decoder.
"""

from collections import deque

_MOST = 1024
"""Later ones are not noted; the oldest is what counts."""


class Lateness:
    """One viewer's, on the stream that it is shown."""

    def __init__(self) -> None:
        self._unpainted: deque[tuple[tuple[int, int], float]] = deque()

    def offered(self, epoch: int, sequence: int, now_ms: float) -> None:
        """The stream has this unit, whether or not the viewer will be sent it."""
        if len(self._unpainted) < _MOST:
            self._unpainted.append(((epoch, sequence), now_ms))

    def painted(self, epoch: int, sequence: int) -> None:
        """The viewer has painted this one, and so the desk as it was then."""
        while self._unpainted and self._unpainted[0][0] <= (epoch, sequence):
            self._unpainted.popleft()

    def forget(self) -> None:
        """Another stream, or none."""
        self._unpainted.clear()

    def behind_ms(self, now_ms: float) -> float:
        """How long the oldest has been waited for; 0: the viewer has them all."""
        return now_ms - self._unpainted[0][1] if self._unpainted else 0.0
