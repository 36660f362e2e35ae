"""Rectangles of pixels: the one set of helpers that every package uses.

Pure; may be called on any thread. Owns and drops nothing, and changes none of its arguments. A
rectangle includes its left column and its top row, and ends before `right` and `bottom`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

NEIGHBOUR_WASTE = 1.25
"""`disjoint` joins two rectangles while their bounding box is at most this many times their area.

So the lines that a terminal draws one by one become one rectangle, in which a scroll can be found.
"""
_QUADRATIC_TIMES = 4


class Size(NamedTuple):
    """A width and a height, pixels."""

    width: int
    height: int

    @property
    def whole(self) -> "Rect":
        """The rectangle that covers all of a picture of this size."""
        return Rect(0, 0, self.width, self.height)


class Rect(NamedTuple):
    """A rectangle of pixels: its left, top, width and height.

    It is a tuple, because there are more rectangles than objects of any other kind.
    """

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column that is not in it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row that is not in it."""
        return self.y + self.height

    @property
    def area(self) -> int:
        """How many pixels are in it."""
        return self.width * self.height

    def moved(self, dx: int, dy: int) -> "Rect":
        """Return the same rectangle, `dx` pixels further right and `dy` further down."""
        return Rect(self.x + dx, self.y + dy, self.width, self.height)


def between(left: int, top: int, right: int, bottom: int) -> Rect:
    """Return the rectangle from (left, top) to before (right, bottom)."""
    return Rect(left, top, right - left, bottom - top)


def area(rects: Iterable[Rect]) -> int:
    """Return how many pixels they have. A pixel that lies in two rectangles counts twice."""
    return sum(rect.width * rect.height for rect in rects)


def bounding_box(rects: Sequence[Rect]) -> Rect:
    """Return the smallest rectangle around `rects`, which must not be empty."""
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    right = max(rect.x + rect.width for rect in rects)
    bottom = max(rect.y + rect.height for rect in rects)
    return Rect(left, top, right - left, bottom - top)


def overlap(one: Rect, other: Rect) -> bool:
    """Return whether any pixel lies in both."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def intersection(one: Rect, other: Rect) -> Rect | None:
    """Return the pixels that lie in both, None if no pixel does."""
    left, top = max(one.x, other.x), max(one.y, other.y)
    right, bottom = min(one.right, other.right), min(one.bottom, other.bottom)
    if left >= right or top >= bottom:
        return None
    return Rect(left, top, right - left, bottom - top)


def clipped(rects: Iterable[Rect], within: Rect) -> list[Rect]:
    """Return the part of each rectangle that lies in `within`, if any pixel does."""
    parts = (intersection(rect, within) for rect in rects)
    return [part for part in parts if part is not None]


def without(rect: Rect, hole: Rect) -> list[Rect]:
    """Return the rest of `rect` without `hole`: at most four disjoint rectangles, top first."""
    cut = intersection(rect, hole)
    if cut is None:
        return [rect]
    parts = (
        between(rect.x, rect.y, rect.right, cut.y),
        between(rect.x, cut.y, cut.x, cut.bottom),
        between(cut.right, cut.y, rect.right, cut.bottom),
        between(rect.x, cut.bottom, rect.right, rect.bottom),
    )
    return [part for part in parts if part.width > 0 and part.height > 0]


def disjoint(rects: Iterable[Rect], waste: float = NEIGHBOUR_WASTE) -> list[Rect]:
    """Return rectangles that cover every pixel of `rects` and do not overlap.

    Two that overlap become their bounding box, and so do two whose bounding box is at most `waste`
    times as large as both together. The number of steps is quadratic in the number of rectangles.
    """
    found: list[Rect] = []
    for rect in sorted(set(rects), key=lambda rect: (rect.y, rect.x)):
        new, joined = rect, True
        while joined:
            joined = False
            for other in found:
                both = bounding_box((new, other))
                if overlap(new, other) or both.area <= waste * (new.area + other.area):
                    found.remove(other)
                    new, joined = both, True
                    break
        found.append(new)
    return found


def at_most(count: int, rects: Iterable[Rect]) -> list[Rect]:
    """Return at most `count` rectangles that cover all pixels of `rects` and do not overlap."""
    known = set(rects)
    # `disjoint` is quadratic, so it is not tried with rectangles that will hardly become so few.
    found = disjoint(known) if len(known) <= _QUADRATIC_TIMES * count else list(known)
    return found if len(found) <= count else [bounding_box(found)]


def tiles_touched(rect: Rect, tile: int) -> Rect:
    """Return the tiles (`tile` x `tile` pixels) with a pixel in `rect`, counted in tiles."""
    return between(rect.x // tile, rect.y // tile, -(-rect.right // tile), -(-rect.bottom // tile))


def tiles_inside(rect: Rect, tile: int, size: Size) -> Rect:
    """Return the tiles that lie in `rect` as a whole, counted in tiles.

    Width or height is 0 or less if no tile does. The tiles at the right and the bottom edge of a
    picture of `size` may be smaller than others.
    """
    columns = rect.right if rect.right < size.width else size.width + tile - 1
    rows = rect.bottom if rect.bottom < size.height else size.height + tile - 1
    return between(-(-rect.x // tile), -(-rect.y // tile), columns // tile, rows // tile)


def pixels_of(tiles: Rect, tile: int, size: Size) -> Rect:
    """Return the pixels of these tiles of a picture of `size`. `tiles` is counted in tiles."""
    right = min(size.width, tiles.right * tile)
    bottom = min(size.height, tiles.bottom * tile)
    return between(tiles.x * tile, tiles.y * tile, right, bottom)
