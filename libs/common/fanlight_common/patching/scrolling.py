"""Finds the vertical scroll between two pictures of one place.

Numpy, no state, any thread. Rows that occur once in each picture vote for a distance. Only the
longest run of rows that are equal at the winning distance is used. It takes 0.5 ms for 800 x 480
and 2.5 ms for full HD.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fanlight_common.patching.pixels import COLOUR, Pixels, words

_COLUMN_STEP = 4
_COLUMNS = 160
"""Every fourth column is hashed, but only about 160 columns of a wide region, to save time."""
_ROWS_MIN = 16
_SHARE_MIN = 0.25
"""A shift of fewer rows than this share of the region does not pay."""
_HASH_MULTIPLIER = np.uint32(0x9E3779B1)


@dataclass(frozen=True, slots=True)
class Scroll:
    """Rows [top, bottom) of the new picture equal rows [top + dy, bottom + dy) of the old one."""

    dy: int
    top: int
    bottom: int


def find_scroll(before: Pixels, after: Pixels) -> Scroll | None:
    """Return the vertical shift that explains most of `after`, None if no shift pays."""
    if before.shape != after.shape or after.shape[0] < _ROWS_MIN:
        return None
    old, new = words(before), words(after)
    old_rows, old_hashes = _unique_rows(old)
    new_rows, new_hashes = _unique_rows(new)
    _, old_at, new_at = np.intersect1d(
        old_hashes, new_hashes, assume_unique=True, return_indices=True
    )
    if not len(old_at):
        return None
    distances, votes = np.unique(old_rows[old_at] - new_rows[new_at], return_counts=True)
    dy = int(distances[votes.argmax()])
    if dy == 0:
        return None
    height = len(new)
    first, last = max(0, -dy), min(height, height - dy)
    equal = _equal_rows(old[first + dy : last + dy], new[first:last])
    # A run of equal rows begins and ends at a change of `equal`.
    edges = np.flatnonzero(np.diff(np.concatenate(([False], equal, [False])).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return None
    longest = int((ends - begins).argmax())
    top, bottom = first + int(begins[longest]), first + int(ends[longest])
    if bottom - top < max(_ROWS_MIN, _SHARE_MIN * height):
        return None
    return Scroll(dy, top, bottom)


def _equal_rows(old: NDArray[np.uint32], new: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which rows are equal, ignoring the unused fourth byte (X of BGRX)."""
    equal: NDArray[np.bool_] = (old == new).all(axis=1)
    # The plain comparison comes first, because it reads memory once (the other one three times)
    # and settles most rows.
    others = (~equal).nonzero()[0]
    if len(others):
        equal[others] = ((old[others] ^ new[others]) & COLOUR == 0).all(axis=1)
    return equal


def _unique_rows(pixels: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
    """Return the rows that occur once, and their hashes.

    Only some columns go into a hash, because `_equal_rows` compares all pixels later.
    """
    some = pixels[:, :: max(_COLUMN_STEP, pixels.shape[1] // _COLUMNS)] & COLOUR
    weights = np.arange(1, some.shape[1] + 1, dtype=np.uint32) * _HASH_MULTIPLIER | np.uint32(1)
    hashes, first, counts = np.unique(some @ weights, return_index=True, return_counts=True)
    once = counts == 1
    return first[once], hashes[once]
