"""How large a patch may be, and how often there is one, on a link of a given rate.

Pure: constants of `desks.deltas`, which nothing changes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PatchLimits:
    """The limits of all patches. Rates are bytes a second."""

    min_interval_s: float = 0.1
    """The least time between two patches for one client."""
    rate_start: int = 80_000
    """What a link is taken to carry while its client does not know the rate yet."""
    patch_s: float = 0.1
    """A patch takes the client's link at most this long. A larger patch is made coarser."""
    refine_s: float = 0.1
    """A patch that only makes coarse places sharp takes the link this long."""
    refine_after_s: float = 0.3
    """A coarse place is made sharp once it has not changed for this time."""
    fast_rate: int = 4_000_000
    """From this rate on patches are encoded quickly, not tightly."""
