"""How many bytes the next unit may have, so that units never queue on a link of a given rate.

Pure. A leaky bucket of `depth_s` seconds of the rate: it fills with time and each unit empties it
by its size, which is known once it has been made. A large unit borrows from those after it. What
is not used within the depth is forgotten: a link cannot be made up for later.
"""

import math

_KBIT_BYTES = 125


class Budget:
    """The credit of one stream. A unit that is larger than it leaves a debt."""

    def __init__(self, kbps: int, depth_s: float) -> None:
        self._bytes_per_s = kbps * _KBIT_BYTES
        self._depth_s = depth_s
        self._paid_at = -math.inf
        """When all that was sent is, or was, paid for."""

    @property
    def kbps(self) -> int:
        """The rate."""
        return self._bytes_per_s // _KBIT_BYTES

    def set_rate(self, kbps: int, now: float) -> None:
        """From now on. Credit and debt are bytes: at half the rate a debt takes twice the time."""
        new = max(1, kbps) * _KBIT_BYTES
        ahead_s = min(now - self._paid_at, self._depth_s)
        self._paid_at = now - ahead_s * self._bytes_per_s / new
        self._bytes_per_s = new

    def of(self, seconds: float) -> int:
        """What the link carries in this time, bytes."""
        return int(seconds * self._bytes_per_s)

    def available_bytes(self, now: float) -> int:
        """What may be sent now; negative while there is a debt."""
        return self.of(min(now - self._paid_at, self._depth_s))

    def ready_at(self, size_bytes: int) -> float:
        """From when on so much may be sent, or all that the bucket holds if that is less."""
        return self._paid_at + min(size_bytes / self._bytes_per_s, self._depth_s)

    def spend(self, size_bytes: int, now: float) -> None:
        """A unit of this size was sent."""
        self._paid_at = max(self._paid_at, now - self._depth_s) + size_bytes / self._bytes_per_s
