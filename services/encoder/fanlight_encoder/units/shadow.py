"""A copy of the picture that viewers were sent last, to find what has really changed since.

Lives on whatever thread calls, one call at a time. Owns the copy, and drops nothing. While video
runs the shadow only notes in which places it is behind. It is brought up to date when patches may
begin.
"""

from collections.abc import Iterable

import numpy as np

from fanlight_common.core.geometry import Rect, Size
from fanlight_common.patching.pixels import Pixels, part
from fanlight_encoder.units.convert import SLACK_BYTES

_MOST_BEHIND = 64
"""If it is behind in more rectangles, the shadow counts as behind everywhere."""


class Shadow:
    """BGRX pixels of a whole desk."""

    def __init__(self, size: Size) -> None:
        self.size = size
        count = 4 * size.width * size.height
        self.buffer = np.zeros(count + SLACK_BYTES, np.uint8)
        self.pixels: Pixels = self.buffer[:count].reshape(size.height, size.width, 4)
        self._behind: list[Rect] = [size.whole]

    @property
    def current(self) -> bool:
        """Whether the shadow is the picture that viewers were sent."""
        return not self._behind

    def fall_behind(self, rects: Iterable[Rect] | None) -> None:
        """Note that the picture has changed in these places. None means everywhere."""
        whole = self.size.whole
        known = [*self._behind, *rects] if rects is not None else [whole]
        self._behind = known if whole not in known and len(known) <= _MOST_BEHIND else [whole]

    def catch_up(self, picture: Pixels) -> None:
        """Copy what has changed. The shadow is not `current` before `caught_up` is called."""
        for rect in self._behind:
            self.take(picture, rect)

    def caught_up(self) -> None:
        """Note that what `catch_up` read was not overwritten meanwhile."""
        self._behind = []

    def take(self, picture: Pixels, rect: Rect) -> None:
        """Copy the pixels of a rectangle that was sent."""
        part(self.pixels, rect)[:] = part(picture, rect)
