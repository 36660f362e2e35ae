"""Regions of a picture as small images: each in the format that suits what it shows.

Pure computing with numpy and Pillow; no sockets, no state. May run in any thread: Pillow's codecs
let go of the interpreter lock. Pixels are (height, width, 4) uint8 views, BGRX, of any row stride;
X is ignored.

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
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fanlight_common.core.geometry import Rect
from fanlight_common.patching import png
from fanlight_common.protocol.patch import ImageFormat

Pixels = NDArray[np.uint8]

_COLOUR = np.uint32(0xFFFFFF)  # without the X
_SAMPLE_ROWS = 64
_FLAT_SHARE = 0.45
"""Neighbours of one colour: text 0.57 to 0.75, interfaces 0.7 to 0.93, Mandelbrot 0.28, photo 0."""
_FEW_COLOURS = 48
"""So few among the samples: lossless even if nothing is flat."""
_TINY_PX = 400
"""Less than this costs the same either way: stay sharp."""
_PLAIN_PX = 800
"""So few are written as they are, but for coloured ones where bytes are dear: see `png`."""
_TILE = 64
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
_SCROLL_COLUMN_STEP = 4
_SCROLL_ROWS_MIN = 16
_SCROLL_SHARE_MIN = 0.25
"""A shift of fewer rows than this share of the region does not pay."""


class Effort(Enum):
    """What is dear: time or bytes."""

    FAST = "fast"
    SMALL = "small"


@dataclass(frozen=True, slots=True)
class Scroll:
    """Rows [top, bottom) of the new picture equal rows [top + dy, bottom + dy) of the old one."""

    dy: int
    top: int
    bottom: int


def from_buffer(data: memoryview, width: int, height: int, stride: int) -> Pixels:
    """A view of BGRX bytes whose rows are `stride` bytes apart."""
    pixels: Pixels = np.ndarray((height, width, 4), np.uint8, data, 0, (stride, 4, 1))
    pixels.flags.writeable = False
    return pixels


def is_few_colours(pixels: Pixels) -> bool:
    """Does it show text or an interface, rather than a picture? By samples: 0.1 ms."""
    height, width = pixels.shape[:2]
    if height * width <= _TINY_PX:
        return True
    rows = _colours(pixels[:: max(1, height // _SAMPLE_ROWS)])
    if (
        width > 1
        and np.count_nonzero(rows[:, 1:] == rows[:, :-1]) >= _FLAT_SHARE * rows[:, 1:].size
    ):
        return True
    samples = rows[:, :: max(1, width // _SAMPLE_ROWS)]
    return len(np.unique(samples)) <= _FEW_COLOURS


def split(pixels: Pixels) -> Iterator[tuple[Rect, bool]]:
    """The region in rectangles that are text-like (True) or picture-like, by tiles of 64 pixels.

    A photograph in a page then costs the page nothing of its sharpness. At most a few rectangles
    come of a usual desk; together they cover the region exactly, without overlap.
    """
    height, width = pixels.shape[:2]
    rows, columns = -(-height // _TILE), -(-width // _TILE)
    if rows * columns <= 2:
        yield Rect(0, 0, width, height), is_few_colours(pixels)
        return
    kinds = np.array(
        [
            [
                is_few_colours(pixels[y : y + _TILE : 4, x : x + _TILE])
                for x in range(0, width, _TILE)
            ]
            for y in range(0, height, _TILE)
        ]
    )
    done = np.zeros_like(kinds)
    for row in range(rows):
        for column in range(columns):
            if done[row, column]:
                continue
            right, bottom = _grow(kinds, done, row, column)
            done[row:bottom, column:right] = True
            x, y = column * _TILE, row * _TILE
            rect = Rect(x, y, min(width, right * _TILE) - x, min(height, bottom * _TILE) - y)
            yield rect, bool(kinds[row, column])


def find_scroll(before: Pixels, after: Pixels) -> Scroll | None:
    """The vertical shift that explains most of `after`; None where there is none that pays.

    Rows that occur once in each vote for a distance; the winner's longest run of rows that are
    really equal counts. 0.5 ms for 800x480.
    """
    if before.shape != after.shape or after.shape[0] < _SCROLL_ROWS_MIN:
        return None
    old, new = _words(before), _words(after)
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
    equal = ((old[first + dy : last + dy] ^ new[first:last]) & _COLOUR == 0).all(axis=1)
    # Runs of equal rows begin and end where this changes.
    edges = np.flatnonzero(np.diff(np.concatenate(([False], equal, [False])).astype(np.int8)))
    begins, ends = edges[::2], edges[1::2]
    if not len(begins):
        return None
    longest = int((ends - begins).argmax())
    top, bottom = first + int(begins[longest]), first + int(ends[longest])
    if bottom - top < max(_SCROLL_ROWS_MIN, _SCROLL_SHARE_MIN * height):
        return None
    return Scroll(dy, top, bottom)


def encode_lossless(pixels: Pixels, effort: Effort = Effort.FAST) -> tuple[ImageFormat, bytes]:
    """The exact pixels."""
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
    """About the pixels. `scale` is of width and height each, at most 1."""
    image = _image(pixels)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        # Hamming keeps text readable without halos; the gap lets a box filter do most of the work.
        image = image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
    if effort is Effort.SMALL and max(image.size) <= _WEBP_SIDE_MAX:
        return ImageFormat.WEBP, _save(image, "WEBP", quality=quality, method=0)
    sampling = 0 if quality >= _JPEG_FULL_CHROMA else 2
    return ImageFormat.JPEG, _save(image, "JPEG", quality=quality, subsampling=sampling)


def encode_region(
    pixels: Pixels, quality: int, scale: float = 1, effort: Effort = Effort.FAST
) -> tuple[ImageFormat, bytes]:
    """Exact where that is what it shows, else lossy at this quality and scale."""
    if is_few_colours(pixels):
        return encode_lossless(pixels, effort)
    return encode_lossy(pixels, quality, scale, effort)


def _words(pixels: Pixels) -> NDArray[np.uint32]:
    """(height, width), one number a pixel; a view where the bytes of a pixel lie side by side."""
    if pixels.strides[2] != 1 or pixels.strides[1] != 4:
        pixels = np.ascontiguousarray(pixels)
    return pixels.view(np.uint32)[:, :, 0]


def _colours(pixels: Pixels) -> NDArray[np.uint32]:
    return _words(pixels) & _COLOUR


def _grow(
    kinds: NDArray[np.bool_], done: NDArray[np.bool_], row: int, column: int
) -> tuple[int, int]:
    """As far to the right, then down, as tiles of one kind go."""
    free = (kinds == kinds[row, column]) & ~done
    right = column + 1
    while right < kinds.shape[1] and free[row, right]:
        right += 1
    bottom = row + 1
    while bottom < kinds.shape[0] and free[bottom, column:right].all():
        bottom += 1
    return right, bottom


def _unique_rows(words: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
    """Rows that occur once, and their hashes. By every fourth column; equality is checked later."""
    some = words[:, ::_SCROLL_COLUMN_STEP] & _COLOUR
    weights = np.arange(1, some.shape[1] + 1, dtype=np.uint32) * _MULTIPLIERS[0] | np.uint32(1)
    hashes, first, counts = np.unique(some @ weights, return_index=True, return_counts=True)
    once = counts == 1
    return first[once], hashes[once]


def _image(pixels: Pixels) -> Image.Image:
    packed = np.ascontiguousarray(pixels)
    height, width = packed.shape[:2]
    data: Any = packed.data  # any buffer will do, Pillow's annotation is narrower
    return Image.frombuffer("RGB", (width, height), data, "raw", "BGRX", 4 * width, 1)


def _with_palette(pixels: Pixels, counted: Any) -> Image.Image:
    """The same pixels as indexes. `counted`: (count, (red, green, blue)) of each colour."""
    triples = [triple for _, triple in counted]
    palette = np.array([r << 16 | g << 8 | b for r, g, b in triples], np.uint32)
    colours = _colours(pixels)
    image = Image.frombuffer(
        "P", (colours.shape[1], colours.shape[0]), _indexes(colours, palette).tobytes()
    )
    image.putpalette([part for triple in triples for part in triple])
    return image


def _indexes(colours: NDArray[np.uint32], palette: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Where each colour stands in the palette, by a perfect hash: 1 ms for 800x480."""
    for multiplier in _MULTIPLIERS:
        slots = palette * multiplier >> np.uint32(16)
        if len(np.unique(slots)) == len(slots):
            table = np.zeros(1 << 16, np.uint8)
            table[slots] = np.arange(len(slots), dtype=np.uint8)
            indexes: NDArray[np.uint8] = table[colours * multiplier >> np.uint32(16)]
            return indexes
    order = palette.argsort()
    found: NDArray[np.intp] = np.searchsorted(palette, colours, sorter=order)
    return order[found].astype(np.uint8)


def _save(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
