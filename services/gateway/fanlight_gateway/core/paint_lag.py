"""Since when a viewer has not painted what its stream has. Pure; times in milliseconds.

Nothing is late on a desk that does not change. When it changes, everything up to the paint counts:
the wait for room, units that were dropped and the IDR after them, the way there, the decoder.

What a stream had, and when, is kept once for all its viewers (`History`), and forgotten after some
while: a viewer that was late when it was last looked at remembers since when itself.
"""

from bisect import bisect_left, bisect_right
from collections import deque

Label = tuple[int, int]
"""Epoch and sequence: within a stream they only grow."""
_MOST = 1024
"""Units that a stream remembers: seconds, where viewers are looked at once a second."""


class History:
    """One stream's newest units."""

    def __init__(self) -> None:
        self._labels: deque[Label] = deque(maxlen=_MOST)
        self._times_ms: deque[float] = deque(maxlen=_MOST)

    def add(self, label: Label, now_ms: float) -> None:
        """The stream has this unit, whether or not a viewer will be sent it."""
        self._labels.append(label)
        self._times_ms.append(now_ms)

    def first_after(self, label: Label, since_ms: float) -> tuple[Label, float] | None:
        """The oldest unit after this one that came at `since_ms` or later, and when it came."""
        index = max(
            bisect_right(self._labels, label),
            bisect_left(self._times_ms, since_ms),
        )
        if index == len(self._labels):
            return None
        return self._labels[index], self._times_ms[index]


class Lateness:
    """One viewer's, on the stream that it is shown."""

    def __init__(self) -> None:
        self._painted: Label = (0, 0)
        self._since_ms = float("-inf")
        self._oldest: tuple[Label, float] | None = None
        """What was not painted yet when it was looked at last."""

    def painted(self, epoch: int, sequence: int) -> None:
        """The viewer has painted this one, and so the desk as it was then."""
        if epoch != self._painted[0] or sequence > self._painted[1]:
            self._painted = (epoch, sequence)

    def forget(self, now_ms: float) -> None:
        """Another stream, or none: only what comes from now on counts."""
        self._painted = (0, 0)
        self._since_ms = now_ms
        self._oldest = None

    def behind_ms(self, history: History, now_ms: float) -> float:
        """How long the oldest has been waited for; 0: the viewer has them all."""
        if self._oldest is None or self._oldest[0] <= self._painted:
            self._oldest = history.first_after(self._painted, self._since_ms)
        return now_ms - self._oldest[1] if self._oldest else 0.0
