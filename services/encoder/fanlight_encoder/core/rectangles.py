"""Rectangles of damage, made few and disjoint.

Pure.
"""

from collections.abc import Iterable, Sequence

from fanlight_common.core.geometry import Rect

_WASTE = 1.25
"""Neighbours become one box while that is at most so much larger than they are."""


def area(rects: Iterable[Rect]) -> int:
    """Pixels, those twice that lie in two."""
    return sum(rect.width * rect.height for rect in rects)


def around(rects: Sequence[Rect]) -> Rect:
    """The smallest box around them, of which there is at least one."""
    left, top = min(rect.x for rect in rects), min(rect.y for rect in rects)
    right = max(rect.x + rect.width for rect in rects)
    bottom = max(rect.y + rect.height for rect in rects)
    return Rect(left, top, right - left, bottom - top)


def at_most(count: int, rects: Iterable[Rect]) -> list[Rect]:
    """Boxes that cover all of them, so many at most, none of which overlap."""
    known = set(rects)
    # Joining is quadratic: not for what will hardly become so few.
    boxes = disjoint(known) if len(known) <= 4 * count else list(known)
    return boxes if len(boxes) <= count else [around(boxes)]


def overlap(one: Rect, other: Rect) -> bool:
    """Whether a pixel lies in both."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def disjoint(rects: Iterable[Rect]) -> list[Rect]:
    """Boxes that cover all of them, none of which overlap; neighbours joined where it costs little.

    A line of text each, as some terminals draw, thus becomes one box that can be seen to scroll.
    """
    boxes: list[Rect] = []
    for rect in sorted(set(rects), key=lambda rect: (rect.y, rect.x)):
        box, joined = rect, True
        while joined:
            joined = False
            for other in boxes:
                both = around((box, other))
                if overlap(box, other) or area((both,)) <= _WASTE * area((box, other)):
                    boxes.remove(other)
                    box, joined = both, True
                    break
        boxes.append(box)
    return boxes
