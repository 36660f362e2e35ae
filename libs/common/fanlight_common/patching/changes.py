"""What turns one picture into the next: copies of what scrolled, and rectangles of new pixels.

Numpy, no state, any thread. In each region of damage it finds the rectangles that differ. If most
of a rectangle is its old content in another place, it becomes a copy, and rectangles for the rest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fanlight_common.core.geometry import Rect, area, at_most, bounding_box
from fanlight_common.patching.differences import Mask, mask_of, rects_of
from fanlight_common.patching.pixels import Pixels, part
from fanlight_common.patching.scrolling import find_scroll
from fanlight_common.protocol.patch import Copy

_MOST_DAMAGE = 16
"""If there are more rectangles of damage, their bounding box is compared: that is 1 ms at most."""
_SCROLL_PX = 8_000
_SCROLL_ROWS = 24
"""Smaller rectangles are not searched for a scroll: their images take no longer than the search."""
_TOGETHER = 0.5
"""Rectangles that fill this part of their bounding box may be parts of one scroll."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The copies come first, in any order; then `rects` get new pixels. None of them overlap."""

    copies: tuple[Copy, ...]
    rects: tuple[Rect, ...]


def to_compare(damage: Iterable[Rect]) -> list[Rect]:
    """Return disjoint regions that cover the damage, few enough for `find_changes`."""
    rects = [rect for rect in damage if rect.width and rect.height]
    return at_most(_MOST_DAMAGE, rects) if len(rects) > 1 else rects


def find_changes(before: Pixels, after: Pixels, regions: Sequence[Rect]) -> Changes:
    """Return what turns `before` into `after`, exact to the pixel. Only `regions` are looked at.

    The regions must be disjoint (see `to_compare`) and lie inside the pictures, which must be of
    one size.
    """
    copies: list[Copy] = []
    rects: list[Rect] = []
    for region in regions:
        mask = mask_of(before, after, region)
        if mask is not None:
            _add(before, after, region, mask, copies, rects)
    return Changes(tuple(copies), tuple(rects))


def _add(
    before: Pixels,
    after: Pixels,
    region: Rect,
    mask: Mask,
    copies: list[Copy],
    rects: list[Rect],
) -> None:
    """Append what `mask` says of `region` to `copies` and `rects`. Clears what is copied in `mask`.

    No copy reads what another one has overwritten: source and target lie in one rectangle, and the
    rectangles are disjoint.
    """
    found = [rect.moved(region.x, region.y) for rect in rects_of(mask)]
    for stack in _stacks(found):
        if len(stack) > 1:
            around = bounding_box(stack)
            together = area(stack) >= _TOGETHER * around.area
            # Rows between two rectangles that seem not to have changed may be blank lines that
            # scrolled as well.
            copy = _scrolled(before, after, around) if together else None
            if copy is not None:
                copies.append(copy)
                rects += _left_over(mask, region, around, copy)
                continue
        for rect in stack:
            copy = _scrolled(before, after, rect)
            if copy is None:
                rects.append(rect)
            else:
                copies.append(copy)
                rects += _left_over(mask, region, rect, copy)


def _stacks(rects: list[Rect]) -> list[list[Rect]]:
    """Return `rects` in groups that share no column, because each group may scroll by itself."""
    if len(rects) < 2:
        return [rects] if rects else []
    stacks: list[list[Rect]] = []
    right = -1
    for rect in sorted(rects):
        if rect.x >= right:
            stacks.append([])
        stacks[-1].append(rect)
        right = max(right, rect.right)
    return stacks


def _scrolled(before: Pixels, after: Pixels, rect: Rect) -> Copy | None:
    if rect.height < _SCROLL_ROWS or rect.area < _SCROLL_PX:
        return None
    scroll = find_scroll(part(before, rect), part(after, rect))
    if scroll is None:
        return None
    top, height = rect.y + scroll.top, scroll.bottom - scroll.top
    return Copy(rect.x, top, rect.width, height, rect.x, top + scroll.dy)


def _left_over(mask: Mask, region: Rect, rect: Rect, copy: Copy) -> list[Rect]:
    """Return rectangles around the pixels of `rect` that the copy does not make right."""
    x, y = rect.x - region.x, rect.y - region.y
    of_rect = mask[y : y + rect.height, x : x + rect.width]
    of_rect[copy.y - rect.y : copy.y - rect.y + copy.height] = False
    return [left.moved(rect.x, rect.y) for left in rects_of(of_rect)]
