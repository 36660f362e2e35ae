"""A patch that fits what the link carries: small places first and sharp, others coarse if need be.

This is the screenshot service's policy over the patch engine in common. Runs in the pool's threads,
and owns no state. The sharpness ledger notes which places a viewer got coarse. They become sharp
when nothing moves there any more.
"""

import math
from dataclasses import dataclass

from fanlight_common.core.geometry import Rect, Size, area
from fanlight_common.core.prices import Prices
from fanlight_common.core.sharpness import TILE, SharpnessLedger
from fanlight_common.patching import contents, images, refining
from fanlight_common.patching.changes import find_changes, to_compare
from fanlight_common.patching.images import Effort
from fanlight_common.patching.pixels import Pixels, part
from fanlight_common.patching.refining import Refinement
from fanlight_common.protocol import patch

SUFFICIENT_QUALITY = 85
"""A picture in its own size and this quality is not refined, and refining gives this quality. The
encoder refines to `refining.SHARP_QUALITY`."""
_TEXT_PX_PER_BYTE = 40
"""Lossless images take a byte for 50 pixels of an interface, and for 8 of text. They are not tried
with less than a byte for this many pixels."""
_LOSSY_BYTES_PER_PX = 0.1
"""What WebP takes at quality 50. The search for a scale that fits begins with it."""
_REFINE_LOSSLESS_PRICE, _REFINE_LOSSY_PRICE = 1 / 16, 1 / 4
"""Bytes a pixel, by which the first image is sized. An image that is far too large is repeated."""
_REFINE_FAR_TOO_MUCH = 1.6
"""Large images are worth their bytes, because a page of text in halves takes a quarter more."""
_REFINE_ENOUGH = 0.9
"""What a patch leaves of the link is lost until the next patch, a tenth of a second later."""
_COARSE_QUALITY = 50
"""In a smaller scale, more pixels are worth more than finer shades than these."""
_COARSEST_QUALITY = 20
_SCALE_MIN = 0.1
_TINY_BYTES = 1500
"""One packet. A patch of up to this many bytes is sharp, whatever the budget is."""
_LEAST_BYTES = 200
"""The limit of an image that has to be sent although nothing is left of the budget."""
_FITS = 1.2
"""An image that is larger than its limit by less than this factor is not made again."""


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
    """A patch, and how sharp the tiles are at a viewer that has painted it."""

    data: bytes
    """b"" if there is nothing to paint, but coarse tiles were found to be good enough."""
    ledger: SharpnessLedger


def build(
    before: Pixels | None,
    after: Pixels,
    damage: tuple[Rect, ...] | None,
    ledger: SharpnessLedger,
    at_rest: bytes,
    means: Means,
) -> Patch | None:
    """Return the patch to `after`, None if there is nothing to send. Changes no argument.

    `before` is the picture that the viewer has (as sharp as `ledger` says). `damage` is all that
    may have changed since. Each may be None; if both are, all of the picture is sent. Tiles whose
    byte in `at_rest` is not 0 are refined as far as the means go.
    """
    size = Size(after.shape[1], after.shape[0])
    copies: tuple[patch.Copy, ...] = ()
    places = [size.whole] if damage is None else to_compare(damage)
    if before is not None:
        changed = find_changes(before, after, places)
        copies, places = changed.copies, list(changed.rects)
    sketch = _Sketch(after, ledger, means)
    for copy in copies:
        sketch.copy(copy)
    for place in sorted(places, key=lambda rect: rect.area):
        sketch.draw(place)
    sketch.refine(at_rest)
    if not sketch.operations and sketch.ledger.states == ledger.states:
        return None
    return Patch(patch.encode(sketch.operations), sketch.ledger)


class _Sketch:
    """A patch while it is made."""

    def __init__(self, after: Pixels, ledger: SharpnessLedger, means: Means) -> None:
        self.operations: list[patch.Operation] = []
        self.ledger = ledger.copy()
        self._after = after
        self._means = means
        self._bytes = 0

    def copy(self, copy: patch.Copy) -> None:
        """Add pixels that the viewer has already."""
        self.operations.append(copy)
        self.ledger.copied(copy.source, copy.target)

    def draw(self, place: Rect) -> None:
        """Add new pixels, in what is left of the budget."""
        pixels = part(self._after, place)
        parts = list(contents.split(pixels))
        text = [rect for rect, few in parts if few]
        left = self._left()
        lossless = self._lossless(pixels, text, left)
        if lossless is None:
            self._lossy(place, pixels, left)
            return
        for rect, (format_, data) in zip(text, lossless, strict=True):
            self._append(rect.moved(place.x, place.y), format_, data)
            self.ledger.drawn(rect.moved(place.x, place.y), lossless=True)
        pictures = [rect for rect, few in parts if not few]
        all_pictures_px = area(pictures)
        left = self._left()
        for rect in pictures:
            limit = left * rect.area // all_pictures_px
            self._lossy(rect.moved(place.x, place.y), part(pixels, rect), limit)

    def refine(self, at_rest: bytes) -> None:
        """Add sharp pixels for coarse places at rest, in what is left of the budget."""
        prices = Prices(lossless=_REFINE_LOSSLESS_PRICE, lossy=_REFINE_LOSSY_PRICE)
        left = min(self._means.refine_bytes, self._means.budget_bytes) - self._bytes
        if left < prices.guess(TILE**2, lossless=True) and self.operations:
            return
        refinement = Refinement(
            max(1, left),
            self._means.effort,
            quality=SUFFICIENT_QUALITY,
            far_too_much=_REFINE_FAR_TOO_MUCH,
            enough=_REFINE_ENOUGH,
            most_rows=len(at_rest),
        )
        self.operations += refining.refine(self._after, self.ledger, prices, refinement, at_rest)

    def _lossless(
        self, pixels: Pixels, rects: list[Rect], left: int
    ) -> list[tuple[patch.ImageFormat, bytes]] | None:
        """Return an image of each rectangle, None if they do not fit."""
        if area(rects) > left * _TEXT_PX_PER_BYTE:
            return None
        encoded, total = [], 0
        for rect in rects:
            image = images.encode_lossless(part(pixels, rect), self._means.effort)
            encoded.append(image)
            total += len(image[1])
            if total > left:
                return None
        return encoded

    def _lossy(self, place: Rect, pixels: Pixels, limit: int) -> None:
        quality, scale = self._means.quality, self._means.scale
        limit = max(limit, _LEAST_BYTES)
        fitting = math.sqrt(limit / (place.area * _LOSSY_BYTES_PER_PX))
        if fitting < scale:
            quality, scale = min(quality, _COARSE_QUALITY), max(fitting, _SCALE_MIN)
        effort = self._means.effort
        format_, data = images.encode_lossy(pixels, quality, scale, effort)
        if len(data) > limit * _FITS:
            factor = 0.9 * math.sqrt(limit / len(data))
            quality, scale = min(quality, _COARSE_QUALITY), max(scale * factor, _SCALE_MIN)
            if scale == _SCALE_MIN:
                quality = min(quality, _COARSEST_QUALITY)
            format_, data = images.encode_lossy(pixels, quality, scale, effort)
        self._append(place, format_, data)
        if scale == 1 and quality >= SUFFICIENT_QUALITY and not contents.is_few_colours(pixels):
            self.ledger.drawn(place, lossless=False)
            self.ledger.suffice(place)
        else:
            self.ledger.blur(place)

    def _append(self, rect: Rect, format_: patch.ImageFormat, data: bytes) -> None:
        self.operations.append(patch.Image(rect.x, rect.y, rect.width, rect.height, format_, data))
        self._bytes += len(data)

    def _left(self) -> int:
        """Return what is left of the budget, or of a packet if that is more; bytes."""
        return max(self._means.budget_bytes, _TINY_BYTES) - self._bytes
