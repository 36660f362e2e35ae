"""Reads the barcode of the synthetic picture."""

from fanlight_capture.core import pattern


def read_number(pixels: bytes | bytearray | memoryview, width: int, height: int) -> int | None:
    """Return the number of the picture in `pixels` (packed BGRX), None without a barcode.

    It reads the green of each cell's middle, so that it also reads the output of a lossy codec.
    """
    view = memoryview(pixels)
    row = (height - pattern.CELL // 2) * width
    cells = [
        view[4 * (row + index * pattern.CELL + pattern.CELL // 2) + 1] > 127
        for index in range(pattern.BITS)
    ]
    if cells[0] is not True or cells[1] is not False:
        return None
    return sum(1 << bit for bit, cell in enumerate(cells[2:]) if cell)
