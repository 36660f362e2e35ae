"""What changed on a desk from frame to frame, for as long as every frame was seen.

Pure; times are seconds of the process's clock. It owns the damage of the last frames, and for each
tile of the sharpness ledger the time of its last change. It drops all of that if more frames were
missed than the next one tells of, and if the instance or the size of the desk is new.
"""

from collections import deque
from collections.abc import Iterable

from fanlight_common.core.geometry import Rect, Size, tiles_touched
from fanlight_common.core.sharpness import TILE
from fanlight_common.protocol import frames

KEEP = 128
"""Frames. At ten pictures a second they last for a round trip of many seconds."""


class ChangeHistory:
    """One desk's changes."""

    def __init__(self) -> None:
        self._instance = 0
        self._sequence = 0
        self._size = Size(0, 0)
        self._damage: deque[tuple[Rect, ...]] = deque(maxlen=KEEP)
        """The damage of each frame, newest first, as in a frame."""
        self._columns = 0
        self._changed_at_s: list[float] = []
        """When each tile changed last, row by row."""

    def note(self, frame: frames.Frame, now_s: float) -> None:
        """Take in what a frame that arrived says about its changes."""
        size = Size(frame.width, frame.height)
        missed: tuple[Rect, ...] | None = None
        if (frame.instance, size) == (self._instance, self._size):
            if frame.sequence <= self._sequence:
                return
            missed = frames.damage_since(frame, self._sequence)
        if missed is None:
            self._damage.clear()
            self._columns = -(-size.width // TILE)
            self._changed_at_s = [now_s] * (self._columns * -(-size.height // TILE))
        else:
            behind = frame.sequence - self._sequence
            for entry in reversed(frame.damage[:behind]):
                self._damage.appendleft(entry)
            for rect in missed:
                self._touch(rect, now_s)
        self._instance, self._sequence, self._size = frame.instance, frame.sequence, size

    def since(self, frame: frames.Frame, sequence: int) -> tuple[Rect, ...] | None:
        """Return all that may differ from `sequence` to `frame`, None if that is not known.

        Both have to be frames of one instance.
        """
        ahead, behind = self._sequence - frame.sequence, self._sequence - sequence
        known = frame.instance == self._instance and 0 <= ahead <= behind <= len(self._damage)
        if not known:
            return frames.damage_since(frame, sequence)
        entries = list(self._damage)[ahead:behind]
        return tuple(rect for entry in entries for rect in entry)

    def at_rest(self, size: Size, before_s: float) -> bytes:
        """Return a byte for each tile of a desk of this size: 1 if it last changed by `before_s`.

        If the desk has another size by now, no tile is known to be at rest.
        """
        if size != self._size:
            return bytes(-(-size.width // TILE) * -(-size.height // TILE))
        return bytes(at_s <= before_s for at_s in self._changed_at_s)

    def at_rest_from_s(self, tiles: Iterable[int]) -> float | None:
        """Return the earliest last change of these tiles, None if no tile is known."""
        known = self._changed_at_s
        return min((known[tile] for tile in tiles if tile < len(known)), default=None)

    def _touch(self, rect: Rect, now_s: float) -> None:
        if not rect.area:
            return
        tiles = tiles_touched(rect, TILE)
        for row in range(tiles.y, tiles.bottom):
            first = row * self._columns + tiles.x
            self._changed_at_s[first : first + tiles.width] = [now_s] * tiles.width
