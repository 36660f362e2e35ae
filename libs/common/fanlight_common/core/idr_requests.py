"""When a consumer asks a stream's encoder for an IDR: once for all who wait for one. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdrRequestLimits:
    """How often an IDR is asked for. IDRs are large, and all viewers of the stream pay for one."""

    retry_s: float = 1.0
    """An IDR that was asked for and did not arrive is asked for again after so long."""
    interval_s: float = 0.25
    """The least time between two requests where the IDR did arrive."""


class IdrRequests:
    """The requests of one consumer to one encoder. Times are in seconds, of any one clock."""

    def __init__(self, limits: IdrRequestLimits) -> None:
        self._limits = limits
        self._asked_at = float("-inf")
        self._is_pending = False

    def is_due(self, wanted: bool, now: float) -> bool:
        """Is the encoder to be asked now? If so, it counts as asked from now on.

        `wanted`: an IDR would help the consumer, who has room for it.
        """
        if not wanted:
            return False
        limits = self._limits
        pause_s = limits.retry_s if self._is_pending else limits.interval_s
        if now - self._asked_at < pause_s:
            return False
        self._asked_at = now
        self._is_pending = True
        return True

    def arrived(self) -> None:
        """An IDR has arrived from the encoder."""
        self._is_pending = False

    def reset(self) -> None:
        """Forget the last request: it did not reach the encoder, or the lease is another."""
        self._asked_at = float("-inf")
        self._is_pending = False
