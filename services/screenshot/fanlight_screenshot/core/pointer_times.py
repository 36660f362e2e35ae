"""How long a desk's pointer is followed, and waited for; seconds.

Pure: constants of `desks.pointer`, which nothing changes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PointerTimes:
    """The times of every desk's pointer."""

    keep_s: float = 30.0
    """The pointer is followed this long after the last request with cursor=1."""
    wait_s: float = 0.1
    """The first request with cursor=1 waits this long for the pointer's image and position."""
