"""Which parts of the desk viewers see less sharp than they are.

Pure. Owns one state for each tile of 64 x 64 pixels. After a unit of video all of them are in
question; an image of the very pixels settles those that it covers.
"""

from dataclasses import dataclass
from enum import IntEnum

from fanlight_common.core.geometry import Rect, Size
from fanlight_common.protocol.patch import Copy

TILE = 64


class State(IntEnum):
    """What viewers see of a tile."""

    SHARP = 0
    BLURRY = 1
    """As video left it."""
    SOFT = 2
    """Some of it is a good JPEG: good enough for a picture, not for text."""
    PICTURE = 3
    """Blurry, and it can wait, for there is nothing to read."""
    GOOD = 4
    """As good as a picture has to be. Not any more when something else is drawn there."""


_ORDER = (State.BLURRY, State.SOFT, State.PICTURE)
_WORSE = (State.BLURRY, State.PICTURE)


@dataclass(frozen=True, slots=True)
class Run:
    """Tiles beside one another, all of one state, in pixels."""

    rect: Rect
    state: State


class Tiles:
    """The states. All are sharp at first."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._columns, self._rows = -(-size.width // TILE), -(-size.height // TILE)
        self._states = bytearray(self._columns * self._rows)

    @property
    def blurry(self) -> bool:
        """Whether any is."""
        return any(state in self._states for state in _ORDER)

    def blur(self) -> None:
        """Everything was sent as video."""
        self._states = bytearray([State.BLURRY]) * len(self._states)

    def sharpen(self, rect: Rect) -> None:
        """Tiles that lie in `rect` as a whole are as they should be."""
        self._set(rect, State.SHARP)

    def defer(self, rect: Rect) -> None:
        """Tiles that lie in `rect` as a whole look like a picture."""
        self._set(rect, State.PICTURE)

    def suffice(self, rect: Rect) -> None:
        """Tiles that lie in `rect` as a whole look like a picture and are good enough for that."""
        self._set(rect, State.GOOD)

    def drawn(self, rect: Rect, *, lossless: bool) -> None:
        """The new pixels of `rect` were sent."""
        for at in self._touched(rect):
            if self._states[at] == State.GOOD or (self._states[at] == State.SHARP and not lossless):
                self._states[at] = State.SOFT
            elif self._states[at] == State.PICTURE:
                # What is there now may well be text.
                self._states[at] = State.BLURRY
        if lossless:
            self.sharpen(rect)

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
            states = {before[tile] for tile in self._touched(came)} - {State.SHARP}
            if states:
                fine = states <= {State.GOOD, State.SOFT} and before[at] not in _WORSE
                self._states[at] = State.SOFT if fine else State.BLURRY
            elif at in inside:
                self._states[at] = State.SHARP
            elif before[at] == State.GOOD:
                self._states[at] = State.SOFT

    def next_run(self, most: int) -> Run | None:
        """The first tiles in question, at most so many; those that can wait come last."""
        state = next((state for state in _ORDER if state in self._states), None)
        if state is None:
            return None
        at = self._states.index(state)
        row, column = divmod(at, self._columns)
        last = min(self._columns, column + max(1, most))
        end = column
        while end < last and self._states[row * self._columns + end] == state:
            end += 1
        x, y = column * TILE, row * TILE
        width = min(end * TILE, self._size.width) - x
        return Run(Rect(x, y, width, min(TILE, self._size.height - y)), state)

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
