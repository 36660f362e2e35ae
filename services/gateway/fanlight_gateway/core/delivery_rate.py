"""How much has arrived at a viewer lately. Pure; times in seconds, of any one clock."""

from collections import deque

BYTES_PER_KBIT = 125
"""At 1 kbit/s this many bytes pass in a second."""


class DeliveryRate:
    """What arrived at one viewer within the last `over_s`."""

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._arrived: deque[tuple[float, int]] = deque()
        """When each arrived, and how many bytes it had."""
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many arrivals are remembered."""
        return len(self._arrived)

    def add(self, size_bytes: int, now: float) -> None:
        """Count what has arrived, and forget what is too old, because on a calm path nobody
        asks."""
        arrived = self._arrived
        arrived.append((now, size_bytes))
        self._bytes += size_bytes
        while now - arrived[0][0] > self._over_s:
            self._bytes -= arrived.popleft()[1]

    def kbps(self, now: float) -> float:
        """Return the rate, kbit/s."""
        arrived = self._arrived
        while arrived and now - arrived[0][0] > self._over_s:
            self._bytes -= arrived.popleft()[1]
        return self._bytes / (self._over_s * BYTES_PER_KBIT)
