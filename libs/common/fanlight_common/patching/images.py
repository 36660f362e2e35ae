"""Regions of a picture as small images, and the choice of the image format.

Numpy and Pillow, no state, any thread: Pillow's codecs release the interpreter lock. `pixels` says
what pixels are.

Text and user interfaces have few colours in flat runs, so a lossless image of them is both sharper
and *smaller* than a JPEG. Pictures are sent lossy. Measured (one core of the build machine; bytes,
time):

    what                     PNG           WebP m0 q50   WebP m1 q75    JPEG 70       WebP 70
    grey text, 800x480        42 K   4 ms   40 K   7 ms   36 K   20 ms  132 K  1 ms   95 K 13 ms
    coloured text, 800x480   201 K  11 ms  106 K   7 ms   51 K   27 ms  126 K  1 ms  105 K 14 ms
    interface, 1920x1080     292 K  36 ms   87 K  15 ms   38 K   62 ms  243 K  4 ms  179 K 32 ms
    line of text, 800x17          -        5.9 K 0.4 ms  3.5 K  1.4 ms       -            -
    a character, 20x17       364 B 0.1 ms  298 B 0.1 ms  278 B  0.1 ms  820 B        236 B
    Mandelbrot, 800x480      375 K  21 ms  265 K  26 ms  165 K  140 ms   36 K  1 ms   30 K  6 ms
    photograph, 1280x720     1.6 M  80 ms  1.6 M  26 ms  1.3 M  211 ms  134 K  2 ms  108 K 18 ms

Therefore `Effort.SMALL`, for links that need more than a millisecond for a kilobyte, is WebP for
lossless and for lossy images. `Effort.FAST` is palette PNG for up to 256 colours, WebP's fastest
lossless form for more colours, and JPEG for lossy images. A few pixels, such as a character, become
a plain PNG (`png`).
"""

import io
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fanlight_common.patching import png
from fanlight_common.patching.pixels import Pixels, colours
from fanlight_common.protocol.patch import ImageFormat

_PLAIN_PX = 800
"""`png` writes so few pixels, unless they have colours and the effort is SMALL."""
_PALETTE = 256
_PNG_LEVEL = 6
_PNG_LEVEL_LARGE = 3  # a megapixel of text takes 10 ms, not 18, and a seventh more bytes
_LARGE_PX = 1_000_000
_WEBP_SIDE_MAX = 16383
_FULL_CHROMA_QUALITY = 90
"""From this JPEG quality on, colour has full resolution, so that thin coloured text stays sharp."""
_MULTIPLIERS = tuple(
    np.uint32(odd) for odd in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)
)


class Effort(Enum):
    """Whether an image is encoded in little time or into few bytes."""

    FAST = "fast"
    SMALL = "small"


def encode_lossless(pixels: Pixels, effort: Effort = Effort.FAST) -> tuple[ImageFormat, bytes]:
    """Return an image file of the exact pixels, and its format."""
    height, width = pixels.shape[:2]
    if height * width <= _PLAIN_PX:
        plain = png.encode(pixels, grey_only=effort is Effort.SMALL)
        if plain is not None:
            return ImageFormat.PNG, plain
    image = from_bgrx(pixels)
    if max(width, height) > _WEBP_SIDE_MAX:
        return ImageFormat.PNG, _save(image, "PNG", compress_level=1)
    if effort is Effort.SMALL:
        return ImageFormat.WEBP, _save(image, "WEBP", lossless=True, method=1, quality=75)
    counted = image.getcolors(_PALETTE)
    if counted is None:
        return ImageFormat.WEBP, _save(image, "WEBP", lossless=True, method=0, quality=50)
    level = _PNG_LEVEL if height * width < _LARGE_PX else _PNG_LEVEL_LARGE
    return ImageFormat.PNG, _save(_with_palette(pixels, counted), "PNG", compress_level=level)


def encode_lossy(
    pixels: Pixels, quality: int, scale: float = 1, effort: Effort = Effort.FAST
) -> tuple[ImageFormat, bytes]:
    """Return a lossy image file of these pixels, and its format.

    `quality` is 1 to 100. Width and height are each multiplied by `scale`, which is at most 1.
    """
    image = scaled(from_bgrx(pixels), scale)
    if effort is Effort.SMALL and max(image.size) <= _WEBP_SIDE_MAX:
        return ImageFormat.WEBP, _save(image, "WEBP", quality=quality, method=0)
    sampling = 0 if has_full_chroma(quality) else 2
    return ImageFormat.JPEG, _save(image, "JPEG", quality=quality, subsampling=sampling)


def has_full_chroma(quality: int) -> bool:
    """Whether colour has full resolution in a JPEG of this quality."""
    return quality >= _FULL_CHROMA_QUALITY


def scaled(image: Image.Image, scale: float) -> Image.Image:
    """Return the image with width and height multiplied by `scale`, or itself from 1 on."""
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Hamming keeps text readable without halos; `reducing_gap` lets a box filter do most of the
    # work.
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


def from_bgrx(pixels: Pixels) -> Image.Image:
    """Return a Pillow image of the pixels."""
    packed = np.ascontiguousarray(pixels)
    height, width = packed.shape[:2]
    data: Any = packed.data  # Pillow takes any buffer; its annotation is narrower
    return Image.frombuffer("RGB", (width, height), data, "raw", "BGRX", 4 * width, 1)


def _with_palette(pixels: Pixels, counted: Any) -> Image.Image:
    """Return the same pixels as indexes. `counted`: (count, (red, green, blue)) of each colour."""
    triples = [triple for _, triple in counted]
    palette = np.array([r << 16 | g << 8 | b for r, g, b in triples], np.uint32)
    indexes = _indexes(colours(pixels), palette)
    image = Image.frombuffer("P", (indexes.shape[1], indexes.shape[0]), indexes.tobytes())
    image.putpalette([part for triple in triples for part in triple])
    return image


def _indexes(pixels: NDArray[np.uint32], palette: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the place of each colour in the palette, by a perfect hash: 1 ms for 800 x 480."""
    for multiplier in _MULTIPLIERS:
        slots = palette * multiplier >> np.uint32(16)
        if len(np.unique(slots)) == len(slots):
            table = np.zeros(1 << 16, np.uint8)
            table[slots] = np.arange(len(slots), dtype=np.uint8)
            indexes: NDArray[np.uint8] = table[pixels * multiplier >> np.uint32(16)]
            return indexes
    order = palette.argsort()
    found: NDArray[np.intp] = np.searchsorted(palette, pixels, sorter=order)
    return order[found].astype(np.uint8)


def _save(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
