"""Regions of a picture as small images, and the choice of the image format.

Numpy and Pillow, no state. It may run in any thread: Pillow's codecs release the interpreter lock.
Pixels are as `pixels` says.

Text and user interfaces are few colours in flat runs: lossless they are both sharper and *smaller*
than a JPEG. Pictures are lossy. Measured (one core of the build machine; bytes, time):

    what                     PNG           WebP m0 q50   WebP m1 q75    JPEG 70       WebP 70
    grey text, 800x480        42 K   4 ms   40 K   7 ms   36 K   20 ms  132 K  1 ms   95 K 13 ms
    coloured text, 800x480   201 K  11 ms  106 K   7 ms   51 K   27 ms  126 K  1 ms  105 K 14 ms
    interface, 1920x1080     292 K  36 ms   87 K  15 ms   38 K   62 ms  243 K  4 ms  179 K 32 ms
    line of text, 800x17          -        5.9 K 0.4 ms  3.5 K  1.4 ms       -            -
    a character, 20x17       364 B 0.1 ms  298 B 0.1 ms  278 B  0.1 ms  820 B        236 B
    Mandelbrot, 800x480      375 K  21 ms  265 K  26 ms  165 K  140 ms   36 K  1 ms   30 K  6 ms
    photograph, 1280x720     1.6 M  80 ms  1.6 M  26 ms  1.3 M  211 ms  134 K  2 ms  108 K 18 ms

So `Effort.SMALL`, for links where a kilobyte takes longer than a millisecond, is WebP both ways;
`Effort.FAST` is palette PNG (up to 256 colours), WebP's fastest lossless (above), and JPEG. A few
pixels, such as a character, are plain PNG (`png`).
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
"""So few pixels are written by `png`, unless they have colour and bytes are dear."""
_PALETTE = 256
_PNG_LEVEL = 6
_PNG_LEVEL_LARGE = 3  # a megapixel of text: 10 ms, not 18, for a seventh more
_LARGE_PX = 1_000_000
_WEBP_SIDE_MAX = 16383
_JPEG_FULL_CHROMA = 90
"""From this quality on colour has full resolution: thin coloured lines stay sharp."""
_MULTIPLIERS = tuple(
    np.uint32(odd) for odd in (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)
)


class Effort(Enum):
    """Whether an image is encoded in little time or into few bytes."""

    FAST = "fast"
    SMALL = "small"


def encode_lossless(pixels: Pixels, effort: Effort = Effort.FAST) -> tuple[ImageFormat, bytes]:
    """An image file of the exact pixels."""
    height, width = pixels.shape[:2]
    if height * width <= _PLAIN_PX:
        plain = png.encode(pixels, grey_only=effort is Effort.SMALL)
        if plain is not None:
            return ImageFormat.PNG, plain
    image = _image(pixels)
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
    """An image file of about these pixels.

    `quality` is 1 to 100. Width and height are each multiplied by `scale`, which is at most 1.
    """
    image = _image(pixels)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        # Hamming keeps text readable without halos; the gap lets a box filter do most of the work.
        image = image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
    if effort is Effort.SMALL and max(image.size) <= _WEBP_SIDE_MAX:
        return ImageFormat.WEBP, _save(image, "WEBP", quality=quality, method=0)
    sampling = 0 if quality >= _JPEG_FULL_CHROMA else 2
    return ImageFormat.JPEG, _save(image, "JPEG", quality=quality, subsampling=sampling)


def _image(pixels: Pixels) -> Image.Image:
    packed = np.ascontiguousarray(pixels)
    height, width = packed.shape[:2]
    data: Any = packed.data  # any buffer will do, Pillow's annotation is narrower
    return Image.frombuffer("RGB", (width, height), data, "raw", "BGRX", 4 * width, 1)


def _with_palette(pixels: Pixels, counted: Any) -> Image.Image:
    """The same pixels as indexes. `counted`: (count, (red, green, blue)) of each colour."""
    triples = [triple for _, triple in counted]
    palette = np.array([r << 16 | g << 8 | b for r, g, b in triples], np.uint32)
    indexes = _indexes(colours(pixels), palette)
    image = Image.frombuffer("P", (indexes.shape[1], indexes.shape[0]), indexes.tobytes())
    image.putpalette([part for triple in triples for part in triple])
    return image


def _indexes(pixels: NDArray[np.uint32], palette: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The place of each colour in the palette, by a perfect hash: 1 ms for 800 x 480."""
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
