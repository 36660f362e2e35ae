"""What the encoder patches: its policy over the patch engine in common.

Lives on whatever thread calls, one call at a time. It decides by what the link allows; its patches
are painted over what viewers have, which is the shadow where the ledger says that a tile is sharp.
It drops nothing: None tells the caller that video is the better choice.
"""

from collections.abc import Sequence

from fanlight_common.core.geometry import Rect, area
from fanlight_common.core.prices import Prices
from fanlight_common.core.sharpness import SharpnessLedger
from fanlight_common.patching import changes, refining
from fanlight_common.patching.contents import is_few_colours
from fanlight_common.patching.images import Effort
from fanlight_common.patching.pixels import Pixels, part
from fanlight_common.patching.refining import Refinement
from fanlight_common.protocol import patch
from fanlight_common.protocol.patch import Image
from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS, TRY_PX, UnitLimits
from fanlight_encoder.units.shadow import Shadow

_SURELY_VIDEO_PX = 100_000
"""Damage that looks like a picture, and is larger than this, is not looked at any closer."""
_MOST_IMAGES = 64
_REFINE_S = 0.004
"""A unit of refinement begins no image after this time: a keystroke may be waiting."""


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
        """The operations from the shadow to `picture`; an empty list where nothing has changed.

        Updates the shadow and the ledger. Returns None, and leaves both as they are, where a patch
        would cost too much. The caller has to check afterwards that `picture` was read whole.
        """
        if area(damage) > TRY_PX:
            return None
        rects = changes.to_compare(damage)
        if any(
            rect.area > _SURELY_VIDEO_PX and not is_few_colours(part(picture, rect))
            for rect in rects
        ):
            return None
        found = changes.between(shadow.pixels, picture, rects)
        images = self._images(picture, found.boxes, most_bytes, effort)
        if images is None:
            return None
        for copy in found.copies:
            ledger.copied(copy)
            shadow.take(picture, Rect(copy.x, copy.y, copy.width, copy.height))
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
        """Images of some blurry tiles, text before pictures. Updates the ledger.

        `pictures`: whether pictures were so blurry in the video that they are worth an image.
        """
        means = Refinement(most_bytes, effort, pictures, _REFINE_S)
        return list(refining.refine(shadow.pixels, ledger, self._refining, means))

    def _images(
        self, picture: Pixels, boxes: Sequence[Rect], most_bytes: int, effort: Effort
    ) -> list[tuple[Image, bool]] | None:
        """An image of each box, and whether it is lossless; None where they are too large."""
        if len(boxes) > _MOST_IMAGES or area(boxes) > self._limits.changed_px:
            return None
        kinds = [is_few_colours(part(picture, box)) for box in boxes]
        guessed = 0
        for box, few in zip(boxes, kinds, strict=True):
            if not few and box.area > self._limits.picture_px:
                return None
            guessed += self._prices.guess(box.area, lossless=few)
        if guessed > most_bytes:
            self._prices.too_dear()
            return None
        images, size_bytes = [], 0
        for box, few in zip(boxes, kinds, strict=True):
            image = refining.image_of(picture, box, self._prices, effort, lossless=few)
            images.append((image, few))
            size_bytes += len(image.data)
            if size_bytes > most_bytes:
                return None
        return images
