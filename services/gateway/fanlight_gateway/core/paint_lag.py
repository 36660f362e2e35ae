"""Measures for how long a viewer has not painted what its stream has. Pure; times in seconds.

While a desk does not change, no viewer is late. When it changes, everything up to the painting
counts: the wait for room, dropped units and the IDR after them, the network, the decoder.

`UnitLog` keeps which units a stream had, and when, once for all viewers of the stream. It forgets
old units. So `PaintLag` remembers the oldest unit that its viewer had not painted at the last look.
"""

from bisect import bisect_left, bisect_right
from collections import deque

Label = tuple[int, int]
"""Epoch and sequence. Within a stream labels only grow."""
_MOST = 1024
"""The number of units that a stream remembers. That is seconds, and viewers are looked at once a
second."""


class UnitLog:
    """The newest units of one stream, and when the gateway got each."""

    def __init__(self) -> None:
        self._labels: deque[Label] = deque(maxlen=_MOST)
        self._times: deque[float] = deque(maxlen=_MOST)

    def add(self, label: Label, now: float) -> None:
        """Note that the stream has this unit, whether or not a viewer will be sent it."""
        self._labels.append(label)
        self._times.append(now)

    def first_after(self, label: Label, since: float) -> tuple[Label, float] | None:
        """Return the oldest unit after this one that came at `since` or later, and when it came.
        None if there is no such unit."""
        index = max(
            bisect_right(self._labels, label),
            bisect_left(self._times, since),
        )
        if index == len(self._labels):
            return None
        return self._labels[index], self._times[index]


class PaintLag:
    """How late one viewer is on the stream that it is shown."""

    def __init__(self) -> None:
        self._painted: Label = (0, 0)
        """The newest unit that the viewer has painted."""
        self._since = float("-inf")
        """Only units that came since this time count."""
        self._oldest: tuple[Label, float] | None = None
        """The oldest unpainted unit at the last look, and when the stream got it."""

    def painted(self, epoch: int, sequence: int) -> None:
        """Note that the viewer has painted this unit, and so the desk as it was then."""
        if epoch != self._painted[0] or sequence > self._painted[1]:
            self._painted = (epoch, sequence)

    def forget(self, now: float) -> None:
        """Count only units from now on, because the viewer is shown another stream, or none."""
        self._painted = (0, 0)
        self._since = now
        self._oldest = None

    def behind_s(self, log: UnitLog, now: float) -> float:
        """Return how old the oldest unpainted unit is. 0 if the viewer has painted all of them."""
        if self._oldest is None or self._oldest[0] <= self._painted:
            self._oldest = log.first_after(self._painted, self._since)
        return now - self._oldest[1] if self._oldest else 0.0
