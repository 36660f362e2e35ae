"""The base RTT of a viewer's path: the floor of its round trips over the last minute. Pure.

It is what the path takes with no queue in it. Two sources tell it: acknowledgements of units, and
pings that the viewer measures itself, which are smaller than any unit. It is forgotten in steps, so
that a path that has become longer is noticed, and can be forgotten at once (`forget`).
"""

from collections import deque

BUCKETS = 6
"""The last minute is kept as so many floors, the oldest of which is forgotten."""
UNMEASURED_MS = 100.0
"""Taken for the base RTT until there was an answer."""


class BaseRtt:
    """One path's. Times are in milliseconds, of any one clock."""

    def __init__(self, over_ms: float) -> None:
        self.ms = UNMEASURED_MS
        """The base RTT."""
        self._over_ms = over_ms
        self._buckets: deque[tuple[float, float]] = deque()
        """Each bucket's begin, and the least round trip in it."""
        self._pinged_ms: float | None = None
        """The floor that the viewer measured by pings."""
        self._pings_count_from = float("-inf")

    @property
    def is_measured(self) -> bool:
        """Has a unit been acknowledged?"""
        return bool(self._buckets)

    @property
    def is_known(self) -> bool:
        """Is `ms` more than a guess?"""
        return bool(self._buckets) or self._pinged_ms is not None

    def note_ping(self, rtt_ms: float, now_ms: float) -> bool:
        """The viewer's floor by pings; has `ms` to be looked at again?"""
        if now_ms < self._pings_count_from or rtt_ms == self._pinged_ms:
            return False
        self._pinged_ms = rtt_ms
        self._update()
        return True

    def note_unit(self, rtt_ms: float, now_ms: float) -> bool:
        """A unit's round trip; has `ms` to be looked at again?"""
        buckets = self._buckets
        if not buckets or now_ms - buckets[-1][0] > self._over_ms / BUCKETS:
            buckets.append((now_ms, rtt_ms))
        elif rtt_ms < buckets[-1][1]:
            buckets[-1] = (buckets[-1][0], rtt_ms)
        else:
            return False
        if len(buckets) > BUCKETS:
            buckets.popleft()
        self._update()
        return True

    def forget(self, now_ms: float) -> None:
        """The path is another one. The viewer's floor is the old path's for another minute, so it
        does not count until then."""
        self._buckets.clear()
        self._pinged_ms = None
        self._pings_count_from = now_ms + self._over_ms
        self._update()

    def _update(self) -> None:
        floors = [least for _, least in self._buckets]
        if self._pinged_ms is not None:
            floors.append(self._pinged_ms)
        self.ms = min(floors, default=UNMEASURED_MS)
