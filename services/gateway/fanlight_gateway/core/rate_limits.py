"""Limits on how many messages come, and on how often something happens. Pure; times in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """What a viewer may send before its connection is closed."""

    message_rate: float = 1000
    """Messages a second, in the long run."""
    message_burst: int = 2000
    """Messages at once."""
    bad_message_limit: int = 20
    """Messages that cannot be understood."""


class TokenBucket:
    """Allows `rate` a second in the long run, and `burst` at once."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Is one more within the rate? If so, it is counted."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Throttle:
    """Allows at most one within `interval_s`, and always the first."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next = float("-inf")

    def allow(self, now: float) -> bool:
        """Is it time again? If so, the next interval begins."""
        if now < self._next:
            return False
        self._next = now + self._interval_s
        return True
