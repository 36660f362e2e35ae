"""The sharpness ledger: which tiles of a desk viewers see less sharp than the desk shows them.

Pure; a ledger belongs to one caller, on whatever thread that caller is. It owns one state for each
tile of 64 x 64 pixels, drops nothing, and is all that encoder and screenshot service know of what
has to be sent again. The states, and what moves a tile between them:

    event                           SHARP   BLURRY  SOFT    WAITING GOOD
    blur: coarse pixels, or video   BLURRY  BLURRY  BLURRY  BLURRY  BLURRY
    drawn, lossless: all of it      SHARP   SHARP   SHARP   SHARP   SHARP
    drawn, lossless: a part         -       -       -       BLURRY  SOFT
    drawn, a good lossy image       SOFT    -       -       BLURRY  SOFT
    sharpen, all of it              SHARP   SHARP   SHARP   SHARP   SHARP
    defer, all of it                WAITING WAITING WAITING WAITING WAITING
    suffice, all of it              GOOD    GOOD    GOOD    GOOD    GOOD

`sharpen`, `defer` and `suffice` change no tile that they cover only in part. A copy takes the
states along (see `copied`). A test holds the table and the code together.
"""

from dataclasses import dataclass
from enum import IntEnum

from fanlight_common.core.geometry import Rect, Size, pixels_of, tiles_inside, tiles_touched

TILE = 64
"""Pixels, the side of a tile."""


class Sharpness(IntEnum):
    """What viewers see of a tile."""

    SHARP = 0
    BLURRY = 1
    """Video or a coarse image was the last thing that was sent of it."""
    SOFT = 2
    """A part of it is a good lossy image: good enough for a picture, not for text."""
    WAITING = 3
    """Blurry, but a picture and not text, so it waits until all text is sharp."""
    GOOD = 4
    """As good as a picture has to be. It becomes SOFT as soon as something else is drawn there."""


_ORDER = (Sharpness.BLURRY, Sharpness.SOFT, Sharpness.WAITING)
_WORSE = (Sharpness.BLURRY, Sharpness.WAITING)


@dataclass(frozen=True, slots=True)
class Run:
    """A rectangle of tiles that have one state. `rect` is in pixels."""

    rect: Rect
    state: Sharpness


class SharpnessLedger:
    """The states of one desk's tiles. All are sharp at first."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._columns, self._rows = -(-size.width // TILE), -(-size.height // TILE)
        self._states = bytearray(self._columns * self._rows)

    @property
    def blurry(self) -> bool:
        """Whether any tile is to be sent again."""
        return any(state in self._states for state in _ORDER)

    @property
    def states(self) -> bytes:
        """The state of each tile, row by row. Equal bytes say the same of desks of one size."""
        return bytes(self._states)

    def copy(self) -> "SharpnessLedger":
        """Return another ledger with the same states."""
        other = SharpnessLedger(self._size)
        other._states[:] = self._states
        return other

    def unsettled(self) -> list[int]:
        """Return the indexes, row by row, of the tiles that are to be sent again."""
        return [at for at, state in enumerate(self._states) if state in _ORDER]

    def blur(self, rect: Rect | None = None) -> None:
        """Note that the tiles that `rect` touches were sent coarse. None: all of them, as video."""
        if rect is None:
            self._states[:] = bytes([Sharpness.BLURRY]) * len(self._states)
            return
        for at in self._touched(rect):
            self._states[at] = Sharpness.BLURRY

    def sharpen(self, rect: Rect) -> None:
        """Note that the tiles that lie in `rect` as a whole are sharp."""
        self._set(rect, Sharpness.SHARP)

    def defer(self, rect: Rect) -> None:
        """Note that the tiles that lie in `rect` as a whole are a picture, and can wait."""
        self._set(rect, Sharpness.WAITING)

    def suffice(self, rect: Rect) -> None:
        """Note that the tiles that lie in `rect` as a whole are a picture, and good enough."""
        self._set(rect, Sharpness.GOOD)

    def drawn(self, rect: Rect, *, lossless: bool) -> None:
        """Note that new pixels of `rect` were sent, exact or as a good lossy image."""
        for at in self._touched(rect):
            state = self._states[at]
            if state == Sharpness.GOOD or (state == Sharpness.SHARP and not lossless):
                self._states[at] = Sharpness.SOFT
            elif state == Sharpness.WAITING:
                # The new pixels may well be text.
                self._states[at] = Sharpness.BLURRY
        if lossless:
            self.sharpen(rect)

    def copied(self, source: Rect, target: Rect) -> None:
        """Note that the pixels of `source` were copied to `target`, a rectangle of the same size.

        What was copied is as blurry as it was at its source.
        """
        before = bytes(self._states)
        if not any(before[at] for at in (*self._touched(source), *self._touched(target))):
            return
        dx, dy = source.x - target.x, source.y - target.y
        inside = set(self._inside(target))
        for at in self._touched(target):
            row, column = divmod(at, self._columns)
            left, top = max(column * TILE, target.x), max(row * TILE, target.y)
            right = min(column * TILE + TILE, target.right)
            bottom = min(row * TILE + TILE, target.bottom)
            came = Rect(left + dx, top + dy, right - left, bottom - top)
            states = {before[tile] for tile in self._touched(came)} - {Sharpness.SHARP}
            if states:
                fine = states <= {Sharpness.GOOD, Sharpness.SOFT} and before[at] not in _WORSE
                self._states[at] = Sharpness.SOFT if fine else Sharpness.BLURRY
            elif at in inside:
                self._states[at] = Sharpness.SHARP
            elif before[at] == Sharpness.GOOD:
                self._states[at] = Sharpness.SOFT

    def next_run(self, most: int, among: bytes | None = None, most_rows: int = 1) -> Run | None:
        """Return the first tiles that are to be sent again, all of one state, or None.

        WAITING tiles come last. A run has at most `most` tiles in `most_rows` rows, but at least
        one tile. `among` has a byte for each tile, which is 0 if the tile must not be taken. None
        means that every tile may be taken.
        """
        states = self._states
        if among is not None:
            pairs = zip(self._states, among, strict=True)
            states = bytearray(state if may else Sharpness.SHARP for state, may in pairs)
        state = next((state for state in _ORDER if state in states), None)
        if state is None:
            return None
        columns = self._columns
        row, column = divmod(states.index(state), columns)
        last = min(columns, column + max(1, most))
        end = column
        while end < last and states[row * columns + end] == state:
            end += 1
        line = bytes([state]) * (end - column)
        rows = min(most_rows, max(1, most // len(line)), self._rows - row)
        bottom = row + 1
        while bottom < row + rows and states.startswith(line, bottom * columns + column):
            bottom += 1
        tiles = Rect(column, row, end - column, bottom - row)
        return Run(pixels_of(tiles, TILE, self._size), state)

    def _set(self, rect: Rect, state: Sharpness) -> None:
        for at in self._inside(rect):
            self._states[at] = state

    def _inside(self, rect: Rect) -> list[int]:
        return self._block(tiles_inside(rect, TILE, self._size))

    def _touched(self, rect: Rect) -> list[int]:
        return self._block(tiles_touched(rect, TILE))

    def _block(self, tiles: Rect) -> list[int]:
        return [
            row * self._columns + column
            for row in range(max(0, tiles.y), min(tiles.bottom, self._rows))
            for column in range(max(0, tiles.x), min(tiles.right, self._columns))
        ]
