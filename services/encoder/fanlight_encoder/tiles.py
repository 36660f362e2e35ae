"""Which parts of the desk viewers see less sharp than they are.

Pure. Owns one state for each tile of 64 x 64 pixels. After a unit of video all of them are in
question; an image of the very pixels settles those that it covers.
"""

from dataclasses import dataclass

from fanlight_common.protocol.frames import Rect
from fanlight_common.protocol.patch import Copy
from fanlight_encoder.geometry import Size

TILE = 64
SHARP, BLURRY, PICTURE = 0, 1, 2
"""PICTURE: blurry, and it can wait, for there is nothing to read."""


@dataclass(frozen=True, slots=True)
class Run:
    """Tiles beside one another, in pixels, all BLURRY or all PICTURE."""

    rect: Rect
    picture: bool


class Tiles:
    """The states. All are sharp at first."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._columns, self._rows = -(-size.width // TILE), -(-size.height // TILE)
        self._states = bytearray(self._columns * self._rows)

    @property
    def blurry(self) -> bool:
        """Whether any is."""
        return any(self._states)

    def blur(self) -> None:
        """Everything was sent as video."""
        self._states = bytearray([BLURRY]) * len(self._states)

    def sharpen(self, rect: Rect) -> None:
        """Tiles that lie in `rect` as a whole are as they should be."""
        self._set(rect, SHARP)

    def defer(self, rect: Rect) -> None:
        """Tiles that lie in `rect` as a whole look like a picture."""
        self._set(rect, PICTURE)

    def copied(self, copy: Copy) -> None:
        """What was copied is as blurry as it was where it came from."""
        before = bytes(self._states)
        source = Rect(copy.from_x, copy.from_y, copy.width, copy.height)
        target = Rect(copy.x, copy.y, copy.width, copy.height)
        if not any(before[at] for at in (*self._touched(source), *self._touched(target))):
            return
        dx, dy = copy.from_x - copy.x, copy.from_y - copy.y
        inside = set(self._inside(target))
        for at in self._touched(target):
            row, column = divmod(at, self._columns)
            left, top = max(column * TILE, target.x), max(row * TILE, target.y)
            right = min(column * TILE + TILE, target.x + target.width)
            bottom = min(row * TILE + TILE, target.y + target.height)
            came = Rect(left + dx, top + dy, right - left, bottom - top)
            blurry = any(before[tile] for tile in self._touched(came))
            if blurry:
                self._states[at] = BLURRY
            elif at in inside:
                self._states[at] = SHARP

    def next_run(self, most: int) -> Run | None:
        """The first tiles in question, at most so many; those that can wait come last."""
        state = BLURRY if BLURRY in self._states else PICTURE
        at = self._states.find(state)
        if at < 0:
            return None
        row, column = divmod(at, self._columns)
        last = min(self._columns, column + max(1, most))
        end = column
        while end < last and self._states[row * self._columns + end] == state:
            end += 1
        x, y = column * TILE, row * TILE
        width = min(end * TILE, self._size.width) - x
        return Run(Rect(x, y, width, min(TILE, self._size.height - y)), state == PICTURE)

    def _set(self, rect: Rect, state: int) -> None:
        for at in self._inside(rect):
            self._states[at] = state

    def _inside(self, rect: Rect) -> list[int]:
        """Those that lie in it as a whole; at the far edges tiles are smaller."""
        right, bottom = rect.x + rect.width, rect.y + rect.height
        columns = self._columns if right >= self._size.width else right // TILE
        rows = self._rows if bottom >= self._size.height else bottom // TILE
        return self._block(-(-rect.x // TILE), -(-rect.y // TILE), columns, rows)

    def _touched(self, rect: Rect) -> list[int]:
        right, bottom = -(-(rect.x + rect.width) // TILE), -(-(rect.y + rect.height) // TILE)
        return self._block(rect.x // TILE, rect.y // TILE, right, bottom)

    def _block(self, left: int, top: int, right: int, bottom: int) -> list[int]:
        return [
            row * self._columns + column
            for row in range(max(0, top), min(bottom, self._rows))
            for column in range(max(0, left), min(right, self._columns))
        ]
