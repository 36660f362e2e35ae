"""A clock that survives video compression: milliseconds as black and white cells. Pure.

32 cells stand in a row, most significant first: 24 bits of the wall clock in ms, then a checksum of
8 bits. A cell is CELL_PX wide and high, so that neither chroma subsampling nor half the resolution
blurs it. `meter.js` reads the same cells.
"""

CELLS = 32
CELL_PX = 12
WIDTH_PX, HEIGHT_PX = CELLS * CELL_PX, CELL_PX
PERIOD_MS = 1 << 24


def cells(ms: int) -> list[bool]:
    """Return which cells are white at the time `ms`."""
    value = ms % PERIOD_MS
    word = value << 8 | checksum(value)
    return [bool(word >> (CELLS - 1 - i) & 1) for i in range(CELLS)]


def checksum(value: int) -> int:
    """Return 8 bits over the 24 of `value`. A row of one colour never has the right ones."""
    return ((value >> 16) + 3 * (value >> 8 & 255) + 5 * (value & 255) + 0xA5) & 255
