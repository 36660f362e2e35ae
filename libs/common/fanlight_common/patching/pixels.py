"""Pixels as a desk has them: (height, width, 4) uint8, BGRX, of any row stride. X is ignored.

No state, any thread. The functions return views of the caller's memory, except where they say that
they copy; nothing here changes pixels.
"""

import numpy as np
from numpy.typing import NDArray

from fanlight_common.core.geometry import Rect

Pixels = NDArray[np.uint8]

COLOUR = np.uint32(0xFFFFFF)
"""The bits of a pixel without X, if a pixel is read as one little-endian number."""


def from_buffer(data: memoryview, width: int, height: int, stride: int) -> Pixels:
    """Return a read-only view of BGRX bytes whose rows are `stride` bytes apart."""
    pixels: Pixels = np.ndarray((height, width, 4), np.uint8, data, 0, (stride, 4, 1))
    pixels.flags.writeable = False
    return pixels


def part(pixels: Pixels, rect: Rect) -> Pixels:
    """Return a view of the pixels of a rectangle."""
    return pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]


def words(pixels: Pixels) -> NDArray[np.uint32]:
    """Return (height, width): one number a pixel, X included.

    This is a view if the four bytes of a pixel lie side by side, otherwise a copy.
    """
    if pixels.strides[2] != 1 or pixels.strides[1] != 4:
        pixels = np.ascontiguousarray(pixels)
    return pixels.view(np.uint32)[:, :, 0]


def colours(pixels: Pixels) -> NDArray[np.uint32]:
    """Return (height, width): one number a pixel, without X. This is a copy."""
    return words(pixels) & COLOUR
