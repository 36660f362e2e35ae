"""Patches: what changed as copies and images, or blurry tiles as they really are.

Lives on whatever thread calls, one at a time. Decides by what `product` allows; what it makes is
painted over what viewers have, which is the shadow in so far as its tiles are sharp.
"""

import time
from collections.abc import Sequence

from fanlight_common.core.geometry import Rect, area, bounding_box, disjoint, without
from fanlight_common.patching.regions import (
    Effort,
    Pixels,
    encode_lossless,
    encode_lossy,
    find_scroll,
    is_few_colours,
    split,
)
from fanlight_common.protocol import patch
from fanlight_common.protocol.patch import Copy, Image
from fanlight_encoder.core.tiles import TILE, State, Tiles
from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS, TRY_PX, Prices, UnitLimits
from fanlight_encoder.units.shadow import Shadow, part

_SCROLL_PX = 8_000
_SCROLL_ROWS = 24
"""Smaller boxes are not searched for scrolling: their images cost no more than that."""
_SURELY_VIDEO_PX = 100_000
"""Damage that looks like a picture, and is larger than this, is not looked at any closer."""
_QUALITY = 88
_MOST_BOXES = 64
_REFINE_S = 0.004
_FAR_TOO_MUCH = 1.3
_ENOUGH = 0.6
"""A unit of refinement that is so full is sent."""


class Patcher:
    """Makes patches of one desk, and keeps in mind what they cost."""

    def __init__(self, limits: UnitLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._prices = Prices()
        self._refining = Prices()

    def changed(
        self,
        shadow: Shadow,
        tiles: Tiles,
        picture: Pixels,
        damage: Sequence[Rect],
        most_bytes: int,
        effort: Effort,
    ) -> list[patch.Operation] | None:
        """From the shadow to `picture`, and the shadow with it; None, and nothing, if it is dear.

        An empty list where nothing has changed. The caller must see to it that `picture` was whole.
        """
        if area(damage) > TRY_PX:
            return None
        copies: list[Copy] = []
        boxes: list[Rect] = []
        rects = disjoint(damage)
        if any(
            area((rect,)) > _SURELY_VIDEO_PX and not is_few_colours(part(picture, rect))
            for rect in rects
        ):
            return None
        for rect in rects:
            found = shadow.changes(picture, rect)
            scrolled = _scrolled(shadow, picture, found)
            if scrolled is None:
                boxes += found
                continue
            # No copy reads what another has overwritten: both lie within their own box of damage.
            copy, rest = scrolled
            copies.append(copy)
            for left in rest:
                boxes += shadow.changes(picture, left)
        images = self._images(picture, boxes, most_bytes, effort)
        if images is None:
            return None
        for copy in copies:
            tiles.copied(copy)
            shadow.take(picture, Rect(copy.x, copy.y, copy.width, copy.height))
        for image, lossless in images:
            rect = Rect(image.x, image.y, image.width, image.height)
            shadow.take(picture, rect)
            tiles.drawn(rect, lossless=lossless)
        return [*copies, *(image for image, _ in images)]

    def refine(
        self, shadow: Shadow, tiles: Tiles, most_bytes: int, effort: Effort, *, pictures: bool
    ) -> list[patch.Operation]:
        """Some blurry tiles as they are, text before pictures. `pictures`: those are worth it."""
        images: list[Image] = []
        size_bytes = 0
        ends_at = time.perf_counter() + _REFINE_S
        while size_bytes < _ENOUGH * most_bytes and time.perf_counter() < ends_at:
            left = most_bytes - size_bytes
            run = tiles.next_run(self._refining.px_for(left, lossless=True) // TILE**2)
            if run is not None and run.state is State.PICTURE:
                run = tiles.next_run(self._refining.px_for(left, lossless=False) // TILE**2)
            if run is None:
                break
            whole = Rect(0, 0, run.rect.width, run.rect.height)
            picture = run.state is State.PICTURE
            kinds = [(whole, False)] if picture else split(part(shadow.pixels, run.rect))
            for inner, few in kinds:
                rect = Rect(run.rect.x + inner.x, run.rect.y + inner.y, inner.width, inner.height)
                if not few and not picture:
                    # Not now: what can be read comes first. Or it is good enough.
                    wanted = pictures and run.state is State.BLURRY
                    (tiles.defer if wanted else tiles.suffice)(rect)
                    continue
                if size_bytes >= most_bytes:
                    break
                left = most_bytes - size_bytes
                image = self._fitting(shadow.pixels, rect, left, effort, lossless=few)
                rect = Rect(image.x, image.y, image.width, image.height)
                (tiles.sharpen if few else tiles.suffice)(rect)
                images.append(image)
                size_bytes += len(image.data)
        return list(images)

    def _fitting(
        self, picture: Pixels, rect: Rect, most_bytes: int, effort: Effort, *, lossless: bool
    ) -> Image:
        """The image of `rect`, or of so many tiles at its left as do not take far too much."""
        while True:
            image = _image(self._refining, picture, rect, effort, lossless=lossless)
            if rect.width <= TILE or len(image.data) <= _FAR_TOO_MUCH * most_bytes:
                return image
            tiles = -(-rect.width // TILE)
            rect = Rect(rect.x, rect.y, (tiles // 2) * TILE, rect.height)

    def _images(
        self, picture: Pixels, boxes: Sequence[Rect], most_bytes: int, effort: Effort
    ) -> list[tuple[Image, bool]] | None:
        if len(boxes) > _MOST_BOXES or area(boxes) > self._limits.changed_px:
            return None
        kinds = [is_few_colours(part(picture, box)) for box in boxes]
        guessed = 0
        for box, few in zip(boxes, kinds, strict=True):
            px = box.width * box.height
            if not few and px > self._limits.picture_px:
                return None
            guessed += self._prices.guess(px, lossless=few)
        if guessed > most_bytes:
            self._prices.too_dear()
            return None
        images, size_bytes = [], 0
        for box, few in zip(boxes, kinds, strict=True):
            image = _image(self._prices, picture, box, effort, lossless=few)
            images.append((image, few))
            size_bytes += len(image.data)
            if size_bytes > most_bytes:
                return None
        return images


def _image(prices: Prices, picture: Pixels, rect: Rect, effort: Effort, *, lossless: bool) -> Image:
    pixels = part(picture, rect)
    if lossless:
        format_, data = encode_lossless(pixels, effort)
    else:
        format_, data = encode_lossy(pixels, _QUALITY, effort=effort)
    prices.paid(rect.width * rect.height, len(data), lossless=lossless)
    return Image(rect.x, rect.y, rect.width, rect.height, format_, data)


def _scrolled(
    shadow: Shadow, picture: Pixels, found: Sequence[Rect]
) -> tuple[Copy, list[Rect]] | None:
    """The copy that explains most of the boxes, and what is left: above, below, and the others."""
    if not found:
        return None
    scrolled = _scrolled_box(shadow, picture, bounding_box(found))
    if scrolled is not None or len(found) == 1:
        return scrolled
    # A clock elsewhere in the same box of damage, and what stands still between the two.
    largest = max(found, key=lambda box: box.width * box.height)
    scrolled = _scrolled_box(shadow, picture, largest)
    if scrolled is None:
        return None
    copy, rest = scrolled
    return copy, [*rest, *(box for box in found if box is not largest)]


def _scrolled_box(shadow: Shadow, picture: Pixels, box: Rect) -> tuple[Copy, list[Rect]] | None:
    if box.height < _SCROLL_ROWS or box.width * box.height < _SCROLL_PX:
        return None
    scroll = find_scroll(part(shadow.pixels, box), part(picture, box))
    if scroll is None:
        return None
    y, height = box.y + scroll.top, scroll.bottom - scroll.top
    copy = Copy(box.x, y, box.width, height, box.x, y + scroll.dy)
    return copy, without(box, Rect(box.x, y, box.width, height))
