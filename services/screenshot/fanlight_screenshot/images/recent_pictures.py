"""The pixels of the last few frames, of all desks together: what patches are made from.

Lives on the event loop. Drops what was used longest ago: a picture of full HD is 8 MB.
"""

from collections import OrderedDict

from fanlight_common.patching.pixels import Pixels

Key = tuple[str, int, int]
"""Desk, instance, sequence."""


class RecentPictures:
    """BGRX pixels by frame."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._kept: OrderedDict[Key, Pixels] = OrderedDict()

    def get(self, key: Key) -> Pixels | None:
        """The pixels of that frame, if they are still there."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def add(self, key: Key, pixels: Pixels) -> None:
        """Keep these, which nobody may change any more."""
        self._kept[key] = pixels
        self._kept.move_to_end(key)
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)
