"""Which rows of a slot are out of date, so that only those are grabbed into it.

Pure. Each slot of the ring holds the picture of some frame, and was not touched since: what the
desk has changed after that frame is what the slot lacks. Bands of whole rows, because those are
what an X server can write in place: a grabbed rectangle comes packed, and is contiguous in a slot
only where it is as wide as the desk.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fanlight_common.core.geometry import Rect

MAX_BANDS = 4
_GAP_ROWS = 48
"""Bands that are closer are one: a request costs the server and us as much as so many rows of full
HD (about 15 us; a row 0.3 us)."""


@dataclass(frozen=True, slots=True)
class Band:
    """Rows from `top` on."""

    top: int
    rows: int


class SlotAges:
    """What each slot of a ring lacks. A new ring's slots lack everything."""

    def __init__(self, slots: int, height: int) -> None:
        self._height = height
        self._whole = (Band(0, height),)
        self._lacking: list[tuple[Band, ...]] = [self._whole] * slots

    def damaged(self, rects: Sequence[Rect]) -> None:
        """The desk has changed here (inside its bounds)."""
        new = [Band(rect.y, rect.height) for rect in rects]
        if new:
            self._lacking = [joined((*old, *new)) for old in self._lacking]

    def lacking(self, slot: int) -> tuple[Band, ...]:
        """What to grab into this slot to have it hold the present picture."""
        return self._lacking[slot]

    def written(self, slot: int) -> None:
        """That was done."""
        self._lacking[slot] = ()

    def forget(self) -> None:
        """Something unexpected happened: nothing is known of any slot."""
        self._lacking = [self._whole] * len(self._lacking)


def joined(bands: Iterable[Band]) -> tuple[Band, ...]:
    """At most MAX_BANDS bands that cover these, from the top down, those that are close joined."""
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
    """Those that no band of `had` has all rows of."""
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
