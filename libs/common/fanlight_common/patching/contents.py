"""Text or picture: what decides whether a region is sent lossless or lossy.

Numpy, no state, any thread. It looks at samples: text and user interfaces have few colours in flat
runs, and a picture has neither. It takes 0.1 ms a region.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fanlight_common.core.geometry import Rect, Size, pixels_of
from fanlight_common.core.sharpness import TILE
from fanlight_common.patching.pixels import Pixels, colours

_SAMPLE_ROWS = 64
_FLAT_SHARE = 0.45
"""The least share of pixels that have the colour of their neighbour. Text has 0.57 to 0.75, an
interface 0.7 to 0.93, a Mandelbrot set 0.28, a photograph 0."""
_FEW_COLOURS = 48
"""A region with so few colours among its samples is sent lossless even if nothing in it is flat."""
_TINY_PX = 400
"""So few pixels take about the same bytes lossless and lossy, so they are sent lossless."""
_ROW_STEP = 4
"""Every fourth row of a tile is looked at."""


def is_few_colours(pixels: Pixels) -> bool:
    """Whether a region shows text or an interface rather than a picture."""
    height, width = pixels.shape[:2]
    if height * width <= _TINY_PX:
        return True
    sampled = colours(pixels[:: max(1, height // _SAMPLE_ROWS)])
    return _is_flat(sampled) or _has_few_colours(sampled)


def split(pixels: Pixels) -> Iterator[tuple[Rect, bool]]:
    """Return rectangles of the region that are text-like (True) or picture-like (False).

    They consist of tiles of 64 pixels, and cover the region exactly, without overlap. So a
    photograph in a page costs the page nothing of its sharpness. A usual desk becomes a few
    rectangles.
    """
    height, width = pixels.shape[:2]
    if -(-height // TILE) * -(-width // TILE) <= 2:
        yield Rect(0, 0, width, height), is_few_colours(pixels)
        return
    kinds = _kinds(pixels)
    done = np.zeros_like(kinds)
    for row, column in np.ndindex(kinds.shape):
        if done[row, column]:
            continue
        right, bottom = _grow(kinds, done, row, column)
        done[row:bottom, column:right] = True
        tiles = Rect(column, row, right - column, bottom - row)
        yield pixels_of(tiles, TILE, Size(width, height)), bool(kinds[row, column])


def _kinds(pixels: Pixels) -> NDArray[np.bool_]:
    """Return for each tile whether it is text-like."""
    sampled = colours(pixels[::_ROW_STEP])
    height, width = sampled.shape
    tile_rows = TILE // _ROW_STEP
    tops, lefts = np.arange(0, height, tile_rows), np.arange(0, width, TILE)
    heights = np.minimum(tile_rows, height - tops)[:, None]
    widths = np.minimum(TILE, width - lefts)[None, :]
    equal = np.zeros((height, width), np.bool_)
    np.equal(sampled[:, 1:], sampled[:, :-1], out=equal[:, :-1])
    equal[:, TILE - 1 :: TILE] = False  # these two neighbours lie in two tiles
    counts = np.add.reduceat(np.add.reduceat(equal, tops, 0, np.int32), lefts, 1)
    kinds: NDArray[np.bool_] = counts >= _FLAT_SHARE * heights * (widths - 1)
    kinds &= widths > 1
    kinds |= heights * widths <= _TINY_PX
    for row, column in np.argwhere(~kinds).tolist():
        y, x = row * tile_rows, column * TILE
        kinds[row, column] = _has_few_colours(sampled[y : y + tile_rows, x : x + TILE])
    return kinds


def _is_flat(sampled: NDArray[np.uint32]) -> bool:
    """Whether many pixels have the colour of their neighbour."""
    if sampled.shape[1] < 2:
        return False
    equal = sampled[:, 1:] == sampled[:, :-1]
    return bool(np.count_nonzero(equal) >= _FLAT_SHARE * equal.size)


def _has_few_colours(sampled: NDArray[np.uint32]) -> bool:
    step = max(1, sampled.shape[1] // _SAMPLE_ROWS)
    return len(np.unique(sampled[:, ::step])) <= _FEW_COLOURS


def _grow(
    kinds: NDArray[np.bool_], done: NDArray[np.bool_], row: int, column: int
) -> tuple[int, int]:
    """Return the column and the row after a block of tiles of one kind that begins here.

    The block grows to the right first, and then down.
    """
    free = (kinds == kinds[row, column]) & ~done
    right = column + 1
    while right < kinds.shape[1] and free[row, right]:
        right += 1
    bottom = row + 1
    while bottom < kinds.shape[0] and free[bottom, column:right].all():
        bottom += 1
    return right, bottom
