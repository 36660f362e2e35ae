"""How many bytes may be sent next, so that nothing queues on a link of a given rate.

Pure; a `Budget` belongs to one caller, on whatever thread that caller is. Times are seconds of one
clock. A budget is a leaky bucket that holds `depth_s` seconds of the rate: it fills with time, and
a unit that is sent empties it by its size. A large unit borrows from those after it. Credit that is
not used within the depth is dropped, because a link cannot make up for it later. With a depth of 0
nothing is sent while the link is busy.
"""

import math

_KBIT_BYTES = 125


class Budget:
    """The credit of one stream or viewer. A unit that is larger than the credit leaves a debt."""

    def __init__(self, kbps: float, depth_s: float) -> None:
        self._bytes_per_s = kbps * _KBIT_BYTES
        self._depth_s = depth_s
        self._paid_at = -math.inf
        """When the link has carried, or will have carried, all that was sent."""

    @property
    def kbps(self) -> int:
        """The rate, kbit/s."""
        return int(self._bytes_per_s // _KBIT_BYTES)

    def set_rate(self, kbps: float, now: float) -> None:
        """Change the rate from now on.

        Credit and debt are bytes and stay what they are: at half the rate it takes twice the time
        to pay a debt.
        """
        new = max(1, kbps) * _KBIT_BYTES
        ahead_s = min(now - self._paid_at, self._depth_s)
        self._paid_at = now - ahead_s * self._bytes_per_s / new
        self._bytes_per_s = new

    def of(self, seconds: float) -> int:
        """Return how many bytes the link carries in this time."""
        return int(seconds * self._bytes_per_s)

    def available_bytes(self, now: float) -> int:
        """Return how many bytes may be sent now. It is negative while there is a debt."""
        return self.of(min(now - self._paid_at, self._depth_s))

    def ready_at(self, size_bytes: int) -> float:
        """Return when `size_bytes` may be sent, or when the bucket is full if it holds less."""
        return self._paid_at + min(size_bytes / self._bytes_per_s, self._depth_s)

    def spend(self, size_bytes: int, now: float) -> None:
        """Note that a unit of this size was sent."""
        self._paid_at = max(self._paid_at, now - self._depth_s) + size_bytes / self._bytes_per_s
