"""The pixels of the last few frames, of all desks together: what patches are made from.

Lives on the worker's loop. Owns the pictures, and drops those that were used longest ago, because a
picture of full HD is 8 MB.
"""

from collections import OrderedDict

from fanlight_common.patching.pixels import Pixels

PictureKey = tuple[str, int, int]
"""Desk, instance, sequence."""


class RecentPictures:
    """BGRX pixels by frame."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: OrderedDict[PictureKey, Pixels] = OrderedDict()

    def get(self, key: PictureKey) -> Pixels | None:
        """Return the pixels of that frame, None if they are gone."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def add(self, key: PictureKey, pixels: Pixels) -> None:
        """Keep these pixels. Nobody may change them any more."""
        self._kept[key] = pixels
        self._kept.move_to_end(key)
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)
