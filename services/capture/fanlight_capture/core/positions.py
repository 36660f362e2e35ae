"""Positions as fractions of the desk, which messages carry, and as pixels, which displays take.

Pure. Owns and drops nothing. A fraction is in 1/65536 of width or height; see
`fanlight_common.protocol.binary`.
"""

from fanlight_common.protocol.binary import PointerPosition
from fanlight_common.protocol.input import FRACTION_MAX


def to_pixel(fraction: int, size: int) -> int:
    """Return the pixel that a fraction falls on. It is always inside the desk."""
    return fraction * size >> 16


def to_fraction(pixel: int, size: int) -> int:
    """Return the fraction of a pixel's middle, so that `to_pixel` returns that pixel again."""
    return min(max(round((pixel + 0.5) / size * 65536), 0), FRACTION_MAX)


def position(x: int, y: int, width: int, height: int) -> PointerPosition:
    """Return the message for a pointer at pixel x, y of a desk of this size."""
    return PointerPosition(to_fraction(x, width), to_fraction(y, height))
