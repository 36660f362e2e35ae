"""What differs between two pictures, exact to the pixel, in boxes that are worth an image each.

Numpy, no state. A box is tight: a pixel differs in its first and last row and column. Comparing
1920 x 1080 pixels takes 0.5 ms. In regions of more than 100,000 pixels a difference in X alone may
pass for one where X is the same almost everywhere; no difference in colour is ever missed.
"""

import numpy as np
from numpy.typing import NDArray

from fanlight_common.core.geometry import Rect, between
from fanlight_common.patching.pixels import COLOUR, Pixels, part, words

Mask = NDArray[np.bool_]
"""(height, width): True where a pixel differs."""

ROW_GAP = 32
"""So many unchanged rows, or more, part one box from the next.

More than a line of text: six lines as one image are 9 KB, as six images 10.5 KB.
"""
COLUMN_GAP = 128
"""The same for columns. An image takes about 100 bytes more than its pixels do, and 0.1 ms."""
_SMALL_PX = 100_000
_X_STEP = 8
"""Of larger regions every eighth row is looked at, to see whether X has to be taken out."""


def mask_of(before: Pixels, after: Pixels, rect: Rect) -> Mask | None:
    """Where the two differ inside `rect`. None says that no pixel does; an empty mask may, too."""
    old, new = words(part(before, rect)), words(part(after, rect))
    if old.size <= _SMALL_PX:
        different = old ^ new
        if not different.any():
            return None
        different &= COLOUR
        small: Mask = different != 0
        return small
    # One pass over memory, where leaving X out takes three. Most of what is compared is the same.
    mask: Mask = old != new
    rows = _some(mask, 1)
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    if ((old[top:bottom:_X_STEP] ^ new[top:bottom:_X_STEP]) & ~COLOUR).any():
        mask[top:bottom] = ((old[top:bottom] ^ new[top:bottom]) & COLOUR) != 0
    return mask


def boxes_of(mask: Mask) -> list[Rect]:
    """Disjoint boxes around all that is True, cut at gaps: by rows, then columns, and so on."""
    boxes: list[Rect] = []
    for top, bottom in _runs(_some(mask, 1), ROW_GAP):
        band = mask[top:bottom]
        runs = _runs(_some(band, 0), COLUMN_GAP)
        if len(runs) == 1:
            boxes.append(between(runs[0][0], top, runs[0][1], bottom))
            continue
        for left, right in runs:
            boxes += [box.moved(left, top) for box in boxes_of(band[:, left:right])]
    return boxes


def _some(mask: Mask, axis: int) -> NDArray[np.intp]:
    """The rows (axis 1) or columns (axis 0) in which anything is True."""
    some: Mask = np.logical_or.reduce(mask, axis=axis)
    return some.nonzero()[0]


def _runs(places: NDArray[np.intp], gap: int) -> list[tuple[int, int]]:
    """First, and first after the last, of each run of places; a gap of less than `gap` is in it."""
    if not len(places):
        return []
    first, last = int(places[0]), int(places[-1]) + 1
    if last - first - len(places) < gap:  # too few are missing for a gap
        return [(first, last)]
    breaks = np.flatnonzero(np.diff(places) > gap)
    begins = places[np.concatenate(([0], breaks + 1))].tolist()
    ends = (places[np.concatenate((breaks, [len(places) - 1]))] + 1).tolist()
    return list(zip(begins, ends, strict=True))
