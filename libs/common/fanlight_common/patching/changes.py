"""What turns one picture into the next: copies of what scrolled, and boxes that need new pixels.

Numpy, no state, any thread. In each rectangle of damage it finds the boxes that differ. If most of
a box is its old content in another place, the box becomes a copy, and boxes for the rest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fanlight_common.core.geometry import Rect, area, at_most, bounding_box
from fanlight_common.patching.differences import Mask, boxes_of, mask_of
from fanlight_common.patching.pixels import Pixels, part
from fanlight_common.patching.scrolling import find_scroll
from fanlight_common.protocol.patch import Copy

_MOST_DAMAGE = 16
"""If there are more rectangles of damage, the box around them is compared: that is 1 ms at most."""
_SCROLL_PX = 8_000
_SCROLL_ROWS = 24
"""Smaller boxes are not searched for a scroll: their images take no longer than the search."""
_TOGETHER = 0.5
"""Boxes that fill this share of the box around them may be parts of one scroll."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The copies come first, in any order; then the boxes get new pixels. None of them overlap."""

    copies: tuple[Copy, ...]
    boxes: tuple[Rect, ...]


def to_compare(damage: Iterable[Rect]) -> list[Rect]:
    """Return disjoint rectangles that cover the damage, few enough for `between`."""
    rects = [rect for rect in damage if rect.width and rect.height]
    return at_most(_MOST_DAMAGE, rects) if len(rects) > 1 else rects


def between(before: Pixels, after: Pixels, rects: Sequence[Rect]) -> Changes:
    """Return what turns `before` into `after`, exact to the pixel. Only `rects` are looked at.

    The rectangles must be disjoint (see `to_compare`) and lie inside the pictures, which must be of
    one size.
    """
    copies: list[Copy] = []
    boxes: list[Rect] = []
    for rect in rects:
        mask = mask_of(before, after, rect)
        if mask is not None:
            _add(before, after, rect, mask, copies, boxes)
    return Changes(tuple(copies), tuple(boxes))


def _add(
    before: Pixels,
    after: Pixels,
    rect: Rect,
    mask: Mask,
    copies: list[Copy],
    boxes: list[Rect],
) -> None:
    """Append what `mask` says of `rect` to `copies` and `boxes`. Clears what is copied in `mask`.

    No copy reads what another one has overwritten: source and target lie in one box, and boxes are
    disjoint.
    """
    found = [box.moved(rect.x, rect.y) for box in boxes_of(mask)]
    for stack in _stacks(found):
        if len(stack) > 1:
            around = bounding_box(stack)
            together = area(stack) >= _TOGETHER * around.area
            # Rows between two boxes that seem not to have changed may be blank lines that scrolled
            # as well.
            copy = _scrolled(before, after, around) if together else None
            if copy is not None:
                copies.append(copy)
                boxes += _left_over(mask, rect, around, copy)
                continue
        for box in stack:
            copy = _scrolled(before, after, box)
            if copy is None:
                boxes.append(box)
            else:
                copies.append(copy)
                boxes += _left_over(mask, rect, box, copy)


def _stacks(boxes: list[Rect]) -> list[list[Rect]]:
    """Return the boxes in groups that share no column, because each group may scroll by itself."""
    if len(boxes) < 2:
        return [boxes] if boxes else []
    stacks: list[list[Rect]] = []
    right = -1
    for box in sorted(boxes):
        if box.x >= right:
            stacks.append([])
        stacks[-1].append(box)
        right = max(right, box.right)
    return stacks


def _scrolled(before: Pixels, after: Pixels, box: Rect) -> Copy | None:
    if box.height < _SCROLL_ROWS or box.area < _SCROLL_PX:
        return None
    scroll = find_scroll(part(before, box), part(after, box))
    if scroll is None:
        return None
    top, height = box.y + scroll.top, scroll.bottom - scroll.top
    return Copy(box.x, top, box.width, height, box.x, top + scroll.dy)


def _left_over(mask: Mask, rect: Rect, box: Rect, copy: Copy) -> list[Rect]:
    """Return boxes around the pixels of `box` that the copy does not make right."""
    x, y = box.x - rect.x, box.y - rect.y
    of_box = mask[y : y + box.height, x : x + box.width]
    of_box[copy.y - box.y : copy.y - box.y + copy.height] = False
    return [left.moved(box.x, box.y) for left in boxes_of(of_box)]
