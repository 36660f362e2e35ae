"""For how long a viewer has not painted what its stream has. Pure; times in seconds.

On a desk that does not change nothing is late. When it changes, everything up to the paint counts:
the wait for room, dropped units and the IDR after them, the network, the decoder.

Which units a stream had, and when, is kept once for all its viewers (`UnitLog`). Old units are
forgotten, so a viewer that was late when it was last looked at remembers its oldest unpainted unit
itself (`PaintLag`).
"""

from bisect import bisect_left, bisect_right
from collections import deque

Label = tuple[int, int]
"""Epoch and sequence: within a stream they only grow."""
_MOST = 1024
"""Units that a stream remembers. They span seconds, and viewers are looked at once a second."""


class UnitLog:
    """One stream's newest units, and when it got each."""

    def __init__(self) -> None:
        self._labels: deque[Label] = deque(maxlen=_MOST)
        self._times: deque[float] = deque(maxlen=_MOST)

    def add(self, label: Label, now: float) -> None:
        """The stream has got this unit, whether or not a viewer will be sent it."""
        self._labels.append(label)
        self._times.append(now)

    def first_after(self, label: Label, since: float) -> tuple[Label, float] | None:
        """The oldest unit after this one that came at `since` or later, and when it came."""
        index = max(
            bisect_right(self._labels, label),
            bisect_left(self._times, since),
        )
        if index == len(self._labels):
            return None
        return self._labels[index], self._times[index]


class PaintLag:
    """One viewer's lag on the stream that it is shown."""

    def __init__(self) -> None:
        self._painted: Label = (0, 0)
        """The newest unit that the viewer has painted."""
        self._since = float("-inf")
        """Only units that came since this time count."""
        self._oldest: tuple[Label, float] | None = None
        """The oldest unpainted unit at the last look, and when the stream got it."""

    def painted(self, epoch: int, sequence: int) -> None:
        """The viewer has painted this unit, and so the desk as it was then."""
        if epoch != self._painted[0] or sequence > self._painted[1]:
            self._painted = (epoch, sequence)

    def forget(self, now: float) -> None:
        """The viewer is shown another stream, or none: only units from now on count."""
        self._painted = (0, 0)
        self._since = now
        self._oldest = None

    def behind_s(self, log: UnitLog, now: float) -> float:
        """Returns how old the oldest unpainted unit is, 0 if the viewer has painted all."""
        if self._oldest is None or self._oldest[0] <= self._painted:
            self._oldest = log.first_after(self._painted, self._since)
        return now - self._oldest[1] if self._oldest else 0.0
