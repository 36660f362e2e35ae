"""What changed in each of the last few frames, as consumers want to hear it.

Pure. Owns the damage lists of the newest frames of one source. Drops detail: an entry of too many
rectangles becomes its bounding box, and entries older than MAX_DAMAGE_ENTRIES go.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol.frames import MAX_DAMAGE_ENTRIES, MAX_DAMAGE_RECTS


class DamageHistory:
    """The `damage` of the newest frame: entry 0 is what it changed, entry 1 the one before."""

    def __init__(self) -> None:
        self._entries: deque[tuple[Rect, ...]] = deque(maxlen=MAX_DAMAGE_ENTRIES)

    def add(self, rects: Sequence[Rect]) -> None:
        """A frame was made that differs from its predecessor in `rects`."""
        self._entries.appendleft(tuple(rects))

    def reset(self) -> None:
        """The next frame has no predecessor (the first one, or of a new size): take all of it."""
        self._entries.clear()

    @property
    def entries(self) -> tuple[tuple[Rect, ...], ...]:
        """Newest first."""
        return tuple(self._entries)


def tidy(rects: Iterable[Rect], width: int, height: int) -> tuple[Rect, ...]:
    """Clip to a desk of this size, drop what is empty, and take the bounding box of too many."""
    clipped = []
    for rect in rects:
        left, top = max(rect.x, 0), max(rect.y, 0)
        right, bottom = min(rect.x + rect.width, width), min(rect.y + rect.height, height)
        if left < right and top < bottom:
            clipped.append(Rect(left, top, right - left, bottom - top))
    if len(clipped) <= MAX_DAMAGE_RECTS:
        return tuple(clipped)
    return (bounding_box(clipped),)


def bounding_box(rects: Sequence[Rect]) -> Rect:
    """The smallest rectangle around `rects`, of which there is at least one."""
    left, top = min(r.x for r in rects), min(r.y for r in rects)
    right = max(r.x + r.width for r in rects)
    bottom = max(r.y + r.height for r in rects)
    return Rect(left, top, right - left, bottom - top)
