"""How much has arrived at a viewer lately. Pure; times in milliseconds."""

from collections import deque


class DeliveryRate:
    """One viewer's, over the last `over_ms`."""

    def __init__(self, over_ms: float) -> None:
        self._over_ms = over_ms
        self._arrived: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """How many arrivals are remembered."""
        return len(self._arrived)

    def add(self, size_bytes: int, now_ms: float) -> None:
        """So much has arrived. Forgets what is too old, because on a calm path nobody asks."""
        arrived = self._arrived
        arrived.append((now_ms, size_bytes))
        self._bytes += size_bytes
        while now_ms - arrived[0][0] > self._over_ms:
            self._bytes -= arrived.popleft()[1]

    def kbps(self, now_ms: float) -> float:
        """The rate, kbit/s."""
        arrived = self._arrived
        while arrived and now_ms - arrived[0][0] > self._over_ms:
            self._bytes -= arrived.popleft()[1]
        return self._bytes * 8 / self._over_ms
