"""Paints the barcode clock into the top left corner of a display, RATE times a second.

`python -m bench.age.painter --display :9 --rate 60`. It is a process of its own, because the clock
must not wait for anything that is measured. It draws the cells into a pixmap and copies them in one
request, so that a grab never sees half a clock.
"""

import argparse
import time

import xcffib.xproto as x

from bench.age import barcode, pacing, xwindow


def main() -> None:
    """Paint until the process is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--display", required=True)
    parser.add_argument("--rate", type=float, default=60.0, help="marks a second")
    arguments = parser.parse_args()
    width, height = barcode.WIDTH_PX, barcode.HEIGHT_PX
    window = xwindow.open_window(arguments.display, 0, 0, width, height)
    pixmap = window.pixmap(width, height)
    white, black = window.context(window.white_pixel), window.context(window.black_pixel)
    everything = x.RECTANGLE.synthetic(0, 0, width, height)
    for _ in pacing.ticks(arguments.rate):
        marks = [
            x.RECTANGLE.synthetic(i * barcode.CELL_PX, 0, barcode.CELL_PX, height)
            for i, on in enumerate(barcode.cells(time.time_ns() // 1_000_000))
            if on
        ]
        window.core.PolyFillRectangle(pixmap, black, 1, [everything])
        window.core.PolyFillRectangle(pixmap, white, len(marks), marks)
        window.core.CopyArea(pixmap, window.id, white, 0, 0, 0, 0, width, height)
        window.connection.flush()


if __name__ == "__main__":
    main()
