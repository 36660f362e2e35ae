"""When a consumer asks a stream's encoder for an IDR. Pure.

One request serves all viewers that wait.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdrRequestLimits:
    """How often an IDR is asked for. IDRs are large, and all viewers of the stream pay for one."""

    retry_s: float = 1.0
    """Seconds until a request without an answer is repeated."""
    interval_s: float = 0.25
    """Least seconds from a request to the next one if the IDR came."""


class IdrRequests:
    """The requests of one consumer to one encoder. Times are in seconds, of any one clock."""

    def __init__(self, limits: IdrRequestLimits) -> None:
        self._limits = limits
        self._asked_at = float("-inf")
        self._is_pending = False

    def take_due(self, wanted: bool, now: float) -> bool:
        """Returns True if the encoder must be asked. Changes state: True starts the pause.

        `wanted` is True if an IDR would help the consumer, and the consumer has room for it.
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
