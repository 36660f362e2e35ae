"""A copy of the picture that viewers were sent last, to see what really changed since.

Lives on whatever thread calls, one at a time. While video runs it is only noted what the copy
lacks; it is brought up to date when patches may begin.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from fanlight_common.core.geometry import Rect, Size
from fanlight_common.patching.regions import Pixels

_SLACK_BYTES = 64  # so that the scaler can read it where it lies, see `convert`
_BAND_ROWS = 16
"""So many unchanged rows part one box from the next."""


class Shadow:
    """BGRX pixels of a whole desk."""

    def __init__(self, size: Size) -> None:
        self.size = size
        count = 4 * size.width * size.height
        self.buffer = np.zeros(count + _SLACK_BYTES, np.uint8)
        self.pixels: Pixels = self.buffer[:count].reshape(size.height, size.width, 4)
        self._behind: list[Rect] = [Rect(0, 0, size.width, size.height)]

    @property
    def current(self) -> bool:
        """Whether it is what viewers were sent."""
        return not self._behind

    def fall_behind(self, rects: Iterable[Rect] | None) -> None:
        """The picture has changed there, or everywhere."""
        whole = Rect(0, 0, self.size.width, self.size.height)
        known = [*self._behind, *rects] if rects is not None else [whole]
        # Past some number, or area, it is all the same.
        self._behind = known if whole not in known and len(known) <= 64 else [whole]

    def catch_up(self, picture: Pixels) -> None:
        """Take over what has changed. `current` only when `caught_up` says it was read whole."""
        for rect in self._behind:
            self.take(picture, rect)

    def caught_up(self) -> None:
        """What `catch_up` read was not overwritten meanwhile."""
        self._behind = []

    def take(self, picture: Pixels, rect: Rect) -> None:
        """These pixels are sent."""
        part(self.pixels, rect)[:] = part(picture, rect)

    def changes(self, picture: Pixels, rect: Rect) -> list[Rect]:
        """What of `rect` differs: boxes, from top to bottom."""
        differs = _words(part(picture, rect)) != _words(part(self.pixels, rect))
        rows = differs.any(axis=1).nonzero()[0]
        if not len(rows):
            return []
        tops, bottoms = rows[:1], rows[-1:] + 1
        if bottoms[0] - tops[0] - len(rows) >= _BAND_ROWS:  # enough are missing for a gap
            parts = np.flatnonzero(np.diff(rows) > _BAND_ROWS)
            tops, bottoms = rows[np.r_[0, parts + 1]], rows[np.r_[parts, len(rows) - 1]] + 1
        boxes = []
        for top, bottom in zip(tops.tolist(), bottoms.tolist(), strict=True):
            columns = differs[top:bottom].any(axis=0).nonzero()[0]
            left, right = int(columns[0]), int(columns[-1]) + 1
            boxes.append(Rect(rect.x + left, rect.y + top, right - left, bottom - top))
        return boxes


def part(pixels: Pixels, rect: Rect) -> Pixels:
    """A view."""
    return pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]


def _words(pixels: Pixels) -> NDArray[np.uint32]:
    return pixels.view(np.uint32)[:, :, 0]
