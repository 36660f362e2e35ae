"""A patch that fits what the link carries: sharp first where it is small, coarse where it must be.

Numpy and Pillow in the pool's threads; no state. What a viewer got coarse is marked in a grid of
tiles, and made sharp when nothing moves there any more.
"""

import math
from dataclasses import dataclass

import numpy as np

from fanlight_common.core.geometry import Rect, disjoint
from fanlight_common.patching import regions
from fanlight_common.patching.regions import Effort, Pixels
from fanlight_common.protocol import patch
from fanlight_screenshot.images import changes
from fanlight_screenshot.images.changes import TILE, Grid

SHARP_QUALITY = 85
"""A picture in its own size and this quality needs no refining."""
_TEXT_PX_PER_BYTE = 40
"""Lossless, an interface takes a byte for 50 pixels, text one for 8: not even tried beyond this."""
_LOSSY_BYTES_PER_PX = 0.1
"""WebP at quality 50: where the search for a scale that fits begins."""
_REFINE_PX_PER_BYTE = 16
_COARSE_QUALITY = 50
"""In a smaller scale, finer shades than this are bytes better spent on more pixels."""
_COARSEST_QUALITY = 20
_SCALE_MIN = 0.1
_TINY_BYTES = 1500
"""One packet: sharp, whatever the budget."""
_LEAST_BYTES = 200
"""Of an image that has to be sent although nothing is left."""
_FITS = 1.2
"""So far above the budget is not worth another try."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a patch may cost, and how good its lossy parts are at best."""

    quality: int
    scale: float
    budget_bytes: int
    refine_bytes: int
    effort: Effort


@dataclass(frozen=True, slots=True)
class Patch:
    """The bytes, and which tiles are coarse at a viewer that has painted them."""

    data: bytes
    blur: Grid


def build(
    before: Pixels | None,
    after: Pixels,
    damage: tuple[Rect, ...] | None,
    blur: Grid,
    quiet: Grid,
    means: Means,
) -> Patch | None:
    """The patch to `after`; None where there is nothing to send.

    `before` is the picture that the viewer has (coarse where `blur` says so) and `damage` all that
    may have changed since. Each may be None: without both, all of the picture is sent. Tiles that
    are `quiet` are refined as far as the means go.
    """
    height, width = after.shape[:2]
    copies: tuple[patch.Copy, ...] = ()
    if before is not None:
        changed = changes.between(before, after, damage)
        copies, places = changed.copies, list(changed.places)
    elif damage is not None:
        places = disjoint((rect for rect in damage if rect.area), waste=0)
    else:
        places = [Rect(0, 0, width, height)]
    sketch = _Sketch(after, blur, means)
    for copy in copies:
        sketch.copy(copy)
    for place in sorted(places, key=lambda rect: rect.area):
        sketch.draw(place)
    sketch.refine(quiet)
    if not sketch.operations:
        return None
    return Patch(patch.encode(sketch.operations), sketch.blur)


class _Sketch:
    """A patch being made."""

    def __init__(self, after: Pixels, blur: Grid, means: Means) -> None:
        self.operations: list[patch.Operation] = []
        self.blur = blur.copy()
        self._after = after
        self._means = means
        self._bytes = 0

    def copy(self, copy: patch.Copy) -> None:
        """What was coarse is coarse where it goes to."""
        self.operations.append(copy)
        source = Rect(copy.from_x, copy.from_y, copy.width, copy.height)
        if self._tiles(source).any():
            self._mark(Rect(copy.x, copy.y, copy.width, copy.height), sharp=False)

    def draw(self, place: Rect) -> None:
        """New pixels, in what is left of the budget."""
        pixels = changes.cut(self._after, place)
        parts = list(regions.split(pixels))
        text = [rect for rect, few in parts if few]
        left = self._left()
        lossless = self._lossless(pixels, text, left)
        if lossless is None:
            self._lossy(place, pixels, left)
            return
        for rect, image in zip(text, lossless, strict=True):
            self._image(_moved(rect, place), *image, sharp=True)
        pictures = [rect for rect, few in parts if not few]
        area = sum(rect.width * rect.height for rect in pictures)
        left = self._left()
        for rect in pictures:
            share = left * rect.width * rect.height // area
            self._lossy(_moved(rect, place), changes.cut(pixels, rect), share)

    def refine(self, quiet: Grid) -> None:
        """Sharp pixels for coarse places at rest, from the top, in what is left."""
        budget = min(self._means.refine_bytes, self._means.budget_bytes) - self._bytes
        height, width = self._after.shape[:2]
        coarse = self.blur & quiet
        while budget > 0 and coarse.any():
            tiles = _first_box(coarse, max(1, budget * _REFINE_PX_PER_BYTE // TILE**2))
            coarse[tiles.y : tiles.y + tiles.height, tiles.x : tiles.x + tiles.width] = False
            x, y = tiles.x * TILE, tiles.y * TILE
            right, bottom = x + tiles.width * TILE, y + tiles.height * TILE
            rect = Rect(x, y, min(width, right) - x, min(height, bottom) - y)
            image = regions.encode_region(
                changes.cut(self._after, rect), SHARP_QUALITY, 1, self._means.effort
            )
            if self.operations and len(image[1]) > budget:
                return
            self._image(rect, *image, sharp=True)
            budget -= len(image[1])

    def _lossless(
        self, pixels: Pixels, rects: list[Rect], left: int
    ) -> list[tuple[patch.ImageFormat, bytes]] | None:
        """All of them, if they fit."""
        if sum(r.width * r.height for r in rects) > left * _TEXT_PX_PER_BYTE:
            return None
        images, total = [], 0
        for rect in rects:
            image = regions.encode_lossless(changes.cut(pixels, rect), self._means.effort)
            images.append(image)
            total += len(image[1])
            if total > left:
                return None
        return images

    def _lossy(self, place: Rect, pixels: Pixels, limit: int) -> None:
        quality, scale = self._means.quality, self._means.scale
        limit = max(limit, _LEAST_BYTES)
        fitting = math.sqrt(limit / (place.width * place.height * _LOSSY_BYTES_PER_PX))
        if fitting < scale:
            quality, scale = min(quality, _COARSE_QUALITY), max(fitting, _SCALE_MIN)
        effort = self._means.effort
        format_, data = regions.encode_lossy(pixels, quality, scale, effort)
        if len(data) > limit * _FITS:
            factor = 0.9 * math.sqrt(limit / len(data))
            quality, scale = min(quality, _COARSE_QUALITY), max(scale * factor, _SCALE_MIN)
            if scale == _SCALE_MIN:
                quality = min(quality, _COARSEST_QUALITY)
            format_, data = regions.encode_lossy(pixels, quality, scale, effort)
        sharp = scale == 1 and quality >= SHARP_QUALITY and not regions.is_few_colours(pixels)
        self._image(place, format_, data, sharp=sharp)

    def _image(self, rect: Rect, format_: patch.ImageFormat, data: bytes, *, sharp: bool) -> None:
        self.operations.append(patch.Image(rect.x, rect.y, rect.width, rect.height, format_, data))
        self._bytes += len(data)
        self._mark(rect, sharp=sharp)

    def _left(self) -> int:
        """Of the budget; of a packet, where that is more."""
        return max(self._means.budget_bytes, _TINY_BYTES) - self._bytes

    def _tiles(self, rect: Rect) -> Grid:
        bottom, right = rect.y + rect.height - 1, rect.x + rect.width - 1
        return self.blur[rect.y // TILE : bottom // TILE + 1, rect.x // TILE : right // TILE + 1]

    def _mark(self, rect: Rect, *, sharp: bool) -> None:
        """A tile is coarse if any of it is, sharp only if all of it was sent."""
        if not sharp:
            self._tiles(rect)[...] = True
            return
        height, width = self._after.shape[:2]
        right, bottom = rect.x + rect.width, rect.y + rect.height
        last_column = -(-right // TILE) if right == width else right // TILE
        last_row = -(-bottom // TILE) if bottom == height else bottom // TILE
        self.blur[-(-rect.y // TILE) : last_row, -(-rect.x // TILE) : last_column] = False


def _first_box(tiles: Grid, most: int) -> Rect:
    """The first tile that is set, and its neighbours to the right and below, `most` tiles."""
    y, x = (int(at) for at in np.argwhere(tiles)[0])
    right = x + 1
    while right < tiles.shape[1] and tiles[y, right] and right - x < most:
        right += 1
    bottom = y + 1
    rows = max(1, most // (right - x))
    while bottom < tiles.shape[0] and tiles[bottom, x:right].all() and bottom - y < rows:
        bottom += 1
    return Rect(x, y, right - x, bottom - y)


def _moved(rect: Rect, place: Rect) -> Rect:
    return Rect(rect.x + place.x, rect.y + place.y, rect.width, rect.height)
