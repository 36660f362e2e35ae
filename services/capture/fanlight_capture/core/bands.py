"""Which rows of a slot are out of date, so that only those are grabbed into it.

Pure. Owns the rows that each slot of a ring lacks: a slot has the picture of an earlier frame, and
lacks what has changed at the desk since then. They are bands of whole rows, because an X server
writes the rows of a grabbed rectangle one right behind the other, and they lie in the right places
of a slot only if they are as wide as the desk. Drops detail: bands that are close are joined.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fanlight_common.core.geometry import Rect

MAX_BANDS = 4
_GAP_ROWS = 48
"""Bands that are fewer rows apart are joined, because one more request takes server and capture
together as long as so many rows of 1920 pixels (a request takes about 15 us, a row 0.3 us)."""


@dataclass(frozen=True, slots=True)
class Band:
    """`rows` rows. The uppermost is row `top`."""

    top: int
    rows: int


class StaleRows:
    """What each slot of a ring lacks. The slots of a new ring lack everything."""

    def __init__(self, slots: int, height: int) -> None:
        self._whole = (Band(0, height),)
        self._lacking: list[tuple[Band, ...]] = [self._whole] * slots

    def damaged(self, rects: Sequence[Rect]) -> None:
        """Note that the desk has changed in these rectangles, which are inside its bounds."""
        new = [Band(rect.y, rect.height) for rect in rects]
        if new:
            self._lacking = [joined((*old, *new)) for old in self._lacking]

    def lacking(self, slot: int) -> tuple[Band, ...]:
        """Return the rows that this slot lacks of the present picture."""
        return self._lacking[slot]

    def written(self, slot: int) -> None:
        """Note that a slot has the present picture."""
        self._lacking[slot] = ()

    def forget(self) -> None:
        """Note that every slot may lack everything, because a grab failed half-way."""
        self._lacking = [self._whole] * len(self._lacking)


def joined(bands: Iterable[Band]) -> tuple[Band, ...]:
    """Return at most MAX_BANDS bands that cover `bands`, from the top down, close ones joined."""
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
    """Return those bands of `wanted` that do not lie within one band of `had`."""
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
