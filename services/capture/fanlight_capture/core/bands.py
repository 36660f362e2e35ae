"""Which rows of a slot are out of date, so that only those are grabbed into it.

Pure. Owns, for each slot of a ring, the rows that it lacks: a slot holds the picture of an earlier
frame, and lacks what the desk has changed since then. Rows are counted in bands of whole rows,
because an X server writes a grabbed rectangle packed, and packed rows lie in a slot in the right
places only if they are as wide as the desk. Drops detail: bands that are close are joined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fanlight_common.core.geometry import Rect

MAX_BANDS = 4
_GAP_ROWS = 48
"""Bands that are closer than this are joined, because one more request costs server and capture
together as much as this many rows of 1920 pixels (a request about 15 us, a row 0.3 us)."""


@dataclass(frozen=True, slots=True)
class Band:
    """`rows` rows. The uppermost is row `top`."""

    top: int
    rows: int


class SlotAges:
    """What each slot of a ring lacks. The slots of a new ring lack everything."""

    def __init__(self, slots: int, height: int) -> None:
        self._height = height
        self._whole = (Band(0, height),)
        self._lacking: list[tuple[Band, ...]] = [self._whole] * slots

    def damaged(self, rects: Sequence[Rect]) -> None:
        """Note that the desk has changed in these rectangles, which are inside its bounds."""
        new = [Band(rect.y, rect.height) for rect in rects]
        if new:
            self._lacking = [joined((*old, *new)) for old in self._lacking]

    def lacking(self, slot: int) -> tuple[Band, ...]:
        """The rows that have to be grabbed into this slot, so that it holds the present picture."""
        return self._lacking[slot]

    def written(self, slot: int) -> None:
        """Note that a slot holds the present picture."""
        self._lacking[slot] = ()

    def forget(self) -> None:
        """Take every slot to lack everything, because a grab failed and may have written a part."""
        self._lacking = [self._whole] * len(self._lacking)


def joined(bands: Iterable[Band]) -> tuple[Band, ...]:
    """At most MAX_BANDS bands that cover `bands`, from the top down; close bands are joined."""
    result: list[Band] = []
    for band in sorted(bands, key=lambda b: b.top):
        if result and band.top - (result[-1].top + result[-1].rows) < _GAP_ROWS:
            result[-1] = _around(result[-1], band)
        else:
            result.append(band)
    while len(result) > MAX_BANDS:
        gaps = [below.top - above.top - above.rows for above, below in pairwise(result)]
        nearest = gaps.index(min(gaps))
        result[nearest : nearest + 2] = [_around(result[nearest], result[nearest + 1])]
    return tuple(result)


def uncovered(wanted: Iterable[Band], had: Iterable[Band]) -> tuple[Band, ...]:
    """Those bands of `wanted` that do not lie within one band of `had`."""
    return tuple(
        band
        for band in wanted
        if not any(
            other.top <= band.top and band.top + band.rows <= other.top + other.rows
            for other in had
        )
    )


def _around(one: Band, other: Band) -> Band:
    top = min(one.top, other.top)
    return Band(top, max(one.top + one.rows, other.top + other.rows) - top)
