"""How many bytes images took lately, in order to guess what the next ones will take.

Pure; a `Prices` belongs to one caller, on whatever thread that caller is. Owns the bytes a pixel of
the images so far, and drops nothing. Lossless text takes 0.05 to 0.3 bytes a pixel, a JPEG of a
photograph 0.3, and a JPEG of noise more than 1. An image takes `OVERHEAD_BYTES` whatever it shows.
"""

OVERHEAD_BYTES = 80
"""The bytes of an image of a few pixels."""
_NEW_WEIGHT = 0.3
"""How far one image that took less moves the price towards what it took, 0 to 1."""
_FORGIVEN = 0.97
"""`too_dear` multiplies the price by this."""
_TELLING_PX = 1000
"""Smaller images are not learned from, because most of their bytes are overhead."""
_LEAST_PER_PX = 0.005
"""The lowest price, bytes a pixel."""


class Prices:
    """The bytes a pixel of lossless and of lossy images, learned from the images so far."""

    def __init__(self, lossless: float = 0.1, lossy: float = 0.35) -> None:
        self._per_px = {True: lossless, False: lossy}

    def guess(self, px: int, *, lossless: bool) -> int:
        """Return how many bytes an image of `px` pixels will probably take."""
        return OVERHEAD_BYTES + int(px * self._per_px[lossless])

    def px_for(self, size_bytes: int, *, lossless: bool) -> int:
        """Return how many pixels an image of `size_bytes` will probably have."""
        return int(max(0, size_bytes - OVERHEAD_BYTES) / self._per_px[lossless])

    def paid(self, px: int, size_bytes: int, *, lossless: bool) -> None:
        """Learn from an image of `px` pixels that took `size_bytes`."""
        if px >= _TELLING_PX:
            now = max(_LEAST_PER_PX, (size_bytes - OVERHEAD_BYTES) / px)
            # The price rises at once and falls slowly, because a unit that is too small costs
            # little, and one that is too large costs time.
            less = _NEW_WEIGHT * (self._per_px[lossless] - now)
            self._per_px[lossless] = max(now, self._per_px[lossless] - less)

    def too_dear(self) -> None:
        """Lower the price a little, because no image was made that could show that it is lower."""
        self._per_px[True] *= _FORGIVEN
