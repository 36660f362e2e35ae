"""When to ask capture for a picture, and which answer is fresh enough. Pure.

Requests share grabs: one that arrives while a grab is under way waits for it, and asks for another
only if the answer turns out to be older than the request by more than the reuse window.
"""


class Grabs:
    """One desk's grabs. Times are in microseconds, bus clock."""

    def __init__(self, reuse_us: int, retry_us: int) -> None:
        self._reuse_us = reuse_us
        self._retry_us = retry_us
        self._asked_us: int | None = None

    def oldest_us(self, arrived_us: int) -> int:
        """A picture that was current then, or later, answers a request that arrived now."""
        return arrived_us - self._reuse_us

    def due(self, now_us: int) -> bool:
        """Is a grab to be asked for now? No, while one is under way that may still be answered."""
        return self._asked_us is None or now_us - self._asked_us >= self._retry_us

    def asked(self, now_us: int) -> None:
        """A grab was asked for."""
        self._asked_us = now_us

    def answered(self, current_us: int) -> None:
        """A picture arrived that was current at `current_us`."""
        if self._asked_us is not None and current_us >= self._asked_us:
            self._asked_us = None
