"""What changed on a desk from frame to frame, for as long as every frame was seen. Numpy, no I/O.

Owns the damage of the last frames, and for each tile of 64 pixels when it last changed. Drops all
of it where a frame was missed beyond what the next one tells, or where the instance or size is new.
"""

from collections import deque

import numpy as np

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import frames
from fanlight_screenshot.images.changes import TILE, Grid, grid_shape

KEEP = 128
"""Frames: at ten pictures a second a round trip of many seconds."""


class History:
    """One desk's changes. Times are microseconds of one clock."""

    def __init__(self) -> None:
        self._instance = 0
        self._sequence = 0
        self._size = (0, 0)
        self._damage: deque[tuple[Rect, ...]] = deque(maxlen=KEEP)
        """Newest first, as in a frame."""
        self._changed_us = np.zeros((0, 0), np.int64)

    def note(self, frame: frames.Frame, now_us: int) -> None:
        """A frame arrived."""
        size = (frame.width, frame.height)
        missed: tuple[Rect, ...] | None = None
        if (frame.instance, size) == (self._instance, self._size):
            if frame.sequence <= self._sequence:
                return
            missed = frames.damage_since(frame, self._sequence)
        if missed is None:
            self._damage.clear()
            self._changed_us = np.full(grid_shape(*size), now_us, np.int64)
        else:
            behind = frame.sequence - self._sequence
            for entry in reversed(frame.damage[:behind]):
                self._damage.appendleft(entry)
            for rect in missed:
                self._touch(rect, now_us)
        self._instance, self._sequence, self._size = frame.instance, frame.sequence, size

    def since(self, frame: frames.Frame, sequence: int) -> tuple[Rect, ...] | None:
        """All that may differ between `sequence` and `frame`, of one instance; None: not known."""
        ahead, behind = self._sequence - frame.sequence, self._sequence - sequence
        known = frame.instance == self._instance and 0 <= ahead <= behind <= len(self._damage)
        if not known:
            return frames.damage_since(frame, sequence)
        entries = list(self._damage)[ahead:behind]
        return tuple(rect for entry in entries for rect in entry)

    def quiet(self, before_us: int) -> Grid:
        """The tiles that have not changed since `before_us`."""
        tiles: Grid = self._changed_us <= before_us
        return tiles

    def quiet_from_us(self, tiles: Grid) -> int | None:
        """When the first of these tiles changed last; None where there is none."""
        if tiles.shape != self._changed_us.shape or not tiles.any():
            return None
        return int(self._changed_us[tiles].min())

    def _touch(self, rect: Rect, now_us: int) -> None:
        if rect.width and rect.height:
            bottom, right = rect.y + rect.height - 1, rect.x + rect.width - 1
            self._changed_us[
                rect.y // TILE : bottom // TILE + 1, rect.x // TILE : right // TILE + 1
            ] = now_us
