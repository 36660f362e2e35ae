"""The base RTT of a viewer's path: the least round trip of the last minute. Pure.

The base RTT is the time that the path takes while no queue is in it. Two sources tell it:
acknowledgements of units, and pings, which the viewer measures itself and which are smaller than
any unit. The oldest sixth of the minute is dropped at a time, so that a path that has become longer
is noticed. `forget` drops everything at once.
"""

from collections import deque

BUCKETS = 6
"""The last minute is kept as this many buckets, each with its least round trip. A new bucket
replaces the oldest."""
UNMEASURED_S = 0.1
"""The base RTT until the first answer."""


class BaseRtt:
    """The base RTT of one path. Times are in seconds, of any one clock."""

    def __init__(self, over_s: float) -> None:
        """`over_s`: a round trip is remembered for about this time."""
        self.floor_s = UNMEASURED_S
        """The base RTT."""
        self._over_s = over_s
        self._buckets: deque[tuple[float, float]] = deque()
        """When each bucket began, and the least round trip in it."""
        self._pinged_s: float | None = None
        """The floor that the viewer measured by pings. None if it has told none."""
        self._pings_count_from = float("-inf")

    @property
    def is_measured(self) -> bool:
        """Has a unit been acknowledged?"""
        return bool(self._buckets)

    @property
    def is_known(self) -> bool:
        """Is `floor_s` more than a guess?"""
        return bool(self._buckets) or self._pinged_s is not None

    def note_ping(self, rtt_s: float, now: float) -> bool:
        """Note the floor that the viewer measured. Returns True if `floor_s` may have changed."""
        if now < self._pings_count_from or rtt_s == self._pinged_s:
            return False
        self._pinged_s = rtt_s
        self._update()
        return True

    def note_unit(self, rtt_s: float, now: float) -> bool:
        """Note the round trip of a unit. Returns True if `floor_s` may have changed."""
        buckets = self._buckets
        if not buckets or now - buckets[-1][0] > self._over_s / BUCKETS:
            buckets.append((now, rtt_s))
        elif rtt_s < buckets[-1][1]:
            buckets[-1] = (buckets[-1][0], rtt_s)
        else:
            return False
        if len(buckets) > BUCKETS:
            buckets.popleft()
        self._update()
        return True

    def forget(self, now: float) -> None:
        """Forget the path, because it is another one now.

        The viewer reports the old path's floor for another minute, so its floor is ignored until
        then.
        """
        self._buckets.clear()
        self._pinged_s = None
        self._pings_count_from = now + self._over_s
        self._update()

    def _update(self) -> None:
        floors = [least for _, least in self._buckets]
        if self._pinged_s is not None:
            floors.append(self._pinged_s)
        self.floor_s = min(floors, default=UNMEASURED_S)
