"""How long a desk's pointer is followed, and waited for. Pure; seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PointerTimes:
    """The times of every desk's pointer."""

    keep_s: float = 30.0
    """The pointer is followed this long after the last request with cursor=1."""
    wait_s: float = 0.1
    """The first request with cursor=1 waits this long to hear of the pointer."""
