"""A synthetic moving picture: known colours, a moving box, and the picture's number as a barcode.

Pure; owns and drops nothing. BGRX, rows of 4 * width bytes. The upper quarter has the eight colours
of COLOURS side by side, each an eighth of the width. Below it a white box moves on grey. The
barcode is in the lower left corner: BITS cells of CELL x CELL pixels, one white, one black, then 30
bits of the number, the lowest first, white for 1.
"""

import re
from dataclasses import dataclass

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol.frames import MAX_SIDE

COLOURS: tuple[tuple[int, int, int], ...] = (
    (255, 255, 255),
    (235, 200, 16),
    (16, 200, 220),
    (24, 180, 40),
    (200, 32, 180),
    (210, 30, 40),
    (32, 48, 200),
    (0, 0, 0),
)
"""Red, green and blue of each colour field, from left to right."""
BACKGROUND = (96, 96, 96)
CELL = 8
BITS = 32
BOX = 48
STEP = 8
"""Pixels that the box moves from one picture to the next."""
MIN_WIDTH = CELL * BITS
MIN_HEIGHT = 2 * BOX
MAX_FPS = 240.0

_MODE = re.compile(r"([0-9]{1,9})x([0-9]{1,9})@([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class PatternMode:
    """The size of the picture in pixels, and how many times a second it changes. 0 means never."""

    width: int
    height: int
    fps: float

    @classmethod
    def parse(cls, text: str) -> "PatternMode":
        """Read `1280x720@30`, as displays' modes are written.

        Raises ValueError, with a text that says what is wrong.
        """
        found = _MODE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not written as WIDTHxHEIGHT@FPS, like 1280x720@30")
        mode = cls(int(found[1]), int(found[2]), float(found[3]))
        if not MIN_WIDTH <= mode.width <= MAX_SIDE:
            raise ValueError(f"width {mode.width} is not in {MIN_WIDTH} to {MAX_SIDE}")
        if not MIN_HEIGHT <= mode.height <= MAX_SIDE:
            raise ValueError(f"height {mode.height} is not in {MIN_HEIGHT} to {MAX_SIDE}")
        if mode.fps > MAX_FPS:
            raise ValueError(f"{mode.fps:g} pictures a second are more than {MAX_FPS:g}")
        return mode


def bgrx(colour: tuple[int, int, int]) -> bytes:
    """Return the four bytes of one pixel. `colour` is red, green, blue."""
    red, green, blue = colour
    return bytes((blue, green, red, 255))


def colour_centre(index: int, width: int, height: int) -> tuple[int, int]:
    """Return a pixel well inside the field of colour `index`."""
    return (2 * index + 1) * width // 16, height // 8


def box(number: int, width: int, height: int) -> Rect:
    """Return where the box is in picture `number`."""
    return Rect(number * STEP % (width - BOX + 1), (height - BOX) // 2, BOX, BOX)


def barcode_area(height: int) -> Rect:
    """Return where the barcode is."""
    return Rect(0, height - CELL, CELL * BITS, CELL)


def base(width: int, height: int) -> bytes:
    """Return the pixels of a picture without box and barcode: colour fields and background."""
    edges = [index * width // 8 for index in range(9)]
    fields = b"".join(
        bgrx(colour) * (edges[index + 1] - edges[index]) for index, colour in enumerate(COLOURS)
    )
    upper = height // 4
    return fields * upper + bgrx(BACKGROUND) * width * (height - upper)


def draw(pixels: memoryview, background: bytes, number: int, width: int, height: int) -> None:
    """Draw picture `number` into `pixels`; `background` is what `base` returned for this size."""
    pixels[: len(background)] = background
    area = box(number, width, height)
    _fill(pixels, width, area, _WHITE)
    code = number & (1 << BITS - 2) - 1
    cells = "10" + format(code, f"0{BITS - 2}b")[::-1]
    for index, cell in enumerate(cells):
        place = Rect(index * CELL, height - CELL, CELL, CELL)
        _fill(pixels, width, place, _WHITE if cell == "1" else _BLACK)


def changed(before: int, after: int, width: int, height: int) -> tuple[Rect, ...]:
    """Return rectangles outside of which the pictures `before` and `after` are equal."""
    if before == after:
        return ()
    return box(before, width, height), box(after, width, height), barcode_area(height)


def _fill(pixels: memoryview, width: int, area: Rect, colour: tuple[int, int, int]) -> None:
    line = bgrx(colour) * area.width
    for y in range(area.y, area.y + area.height):
        start = 4 * (y * width + area.x)
        pixels[start : start + len(line)] = line
