"""What the encoder patches: its policy over the patch engine in common.

Lives on whatever thread calls, one call at a time. Owns what it has learned of the cost of images.
It decides by what the link allows. A patch is painted over what viewers have: that is the shadow,
in each tile that the ledger calls sharp. It drops nothing: None tells the caller that video is the
better choice.
"""

from collections.abc import Sequence

from fanlight_common.core.geometry import Rect, area
from fanlight_common.core.prices import Prices
from fanlight_common.core.sharpness import SharpnessLedger
from fanlight_common.patching import refining
from fanlight_common.patching.changes import find_changes, to_compare
from fanlight_common.patching.contents import is_few_colours
from fanlight_common.patching.images import Effort
from fanlight_common.patching.pixels import Pixels, part
from fanlight_common.patching.refining import Refinement
from fanlight_common.protocol import patch
from fanlight_common.protocol.patch import Image
from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS, MOST_PATCHED_PX, UnitLimits
from fanlight_encoder.units.shadow import Shadow

_SURELY_VIDEO_PX = 100_000
"""Damage of more pixels that looks like a picture becomes video, without a closer look."""
_MOST_IMAGES = 64
_REFINE_S = 0.004
"""A refinement begins no further image after so many seconds: a keystroke may be waiting."""


class Patcher:
    """Makes patches of one desk, and learns what their images cost."""

    def __init__(self, limits: UnitLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._prices = Prices()
        self._refining = Prices()

    def changed(
        self,
        shadow: Shadow,
        ledger: SharpnessLedger,
        picture: Pixels,
        damage: Sequence[Rect],
        most_bytes: int,
        effort: Effort,
    ) -> list[patch.Operation] | None:
        """Return the operations from the shadow to `picture`, an empty list if nothing has changed.

        Updates the shadow and the ledger. Returns None, and leaves both as they are, if a patch
        would be too large. The caller has to check afterwards that `picture` was not overwritten.
        """
        if area(damage) > MOST_PATCHED_PX:
            return None
        regions = to_compare(damage)
        if any(
            region.area > _SURELY_VIDEO_PX and not is_few_colours(part(picture, region))
            for region in regions
        ):
            return None
        found = find_changes(shadow.pixels, picture, regions)
        images = self._images(picture, found.rects, most_bytes, effort)
        if images is None:
            return None
        for copy in found.copies:
            ledger.copied(copy.source, copy.target)
            shadow.take(picture, copy.target)
        for image, lossless in images:
            rect = Rect(image.x, image.y, image.width, image.height)
            shadow.take(picture, rect)
            ledger.drawn(rect, lossless=lossless)
        return [*found.copies, *(image for image, _ in images)]

    def refine(
        self,
        shadow: Shadow,
        ledger: SharpnessLedger,
        most_bytes: int,
        effort: Effort,
        *,
        pictures: bool,
    ) -> list[patch.Operation]:
        """Return images of some blurry tiles, of text before pictures. Updates the ledger.

        `pictures`: were pictures so blurry in the video that they are worth an image?
        """
        means = Refinement(most_bytes, effort, pictures, _REFINE_S)
        return list(refining.refine(shadow.pixels, ledger, self._refining, means))

    def _images(
        self, picture: Pixels, rects: Sequence[Rect], most_bytes: int, effort: Effort
    ) -> list[tuple[Image, bool]] | None:
        """Return an image of each of `rects`, and if it is lossless. None if they are too large."""
        if len(rects) > _MOST_IMAGES or area(rects) > self._limits.changed_px:
            return None
        kinds = [is_few_colours(part(picture, rect)) for rect in rects]
        guessed = 0
        for rect, few in zip(rects, kinds, strict=True):
            if not few and rect.area > self._limits.picture_px:
                return None
            guessed += self._prices.guess(rect.area, lossless=few)
        if guessed > most_bytes:
            self._prices.too_dear()
            return None
        images, size_bytes = [], 0
        for rect, few in zip(rects, kinds, strict=True):
            image = refining.image_of(picture, rect, self._prices, effort, lossless=few)
            images.append((image, few))
            size_bytes += len(image.data)
            if size_bytes > most_bytes:
                return None
        return images
