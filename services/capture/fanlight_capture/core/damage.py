"""What changed in each of the last few frames, in the form in which frames say it.

Pure. Owns the damage lists of the newest frames of one source. Drops detail: an entry of too many
rectangles becomes its bounding box, and entries older than MAX_DAMAGE_ENTRIES go.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from fanlight_common.core.geometry import Rect, bounding_box, clipped
from fanlight_common.protocol.frames import MAX_DAMAGE_ENTRIES, MAX_DAMAGE_RECTS


class DamageHistory:
    """The `damage` of the newest frame: entry 0 is what it changed, entry 1 the one before."""

    def __init__(self) -> None:
        self._entries: deque[tuple[Rect, ...]] = deque(maxlen=MAX_DAMAGE_ENTRIES)

    def add(self, rects: Sequence[Rect]) -> None:
        """Note that a new frame differs from the frame before in `rects`."""
        self._entries.appendleft(tuple(rects))

    def reset(self) -> None:
        """Forget all entries, because the next frame has no predecessor of its size."""
        self._entries.clear()

    @property
    def entries(self) -> tuple[tuple[Rect, ...], ...]:
        """Newest first."""
        return tuple(self._entries)


def tidy(rects: Iterable[Rect], width: int, height: int) -> tuple[Rect, ...]:
    """Return `rects`, clipped to a desk of this size. Too many become their bounding box."""
    kept = clipped(rects, Rect(0, 0, width, height))
    return tuple(kept) if len(kept) <= MAX_DAMAGE_RECTS else (bounding_box(kept),)
