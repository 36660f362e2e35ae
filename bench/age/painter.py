"""Paints the barcode clock into the top left corner of a display, RATE times a second.

`python -m bench.age.painter --display :9 --rate 60`. A process of its own: the clock must not wait
for anything that is measured. The cells are drawn into a pixmap and copied in one request, so that
a grab never sees half a clock.
"""

import argparse
import time

import xcffib
import xcffib.xproto as x

from bench.age import barcode


def main() -> None:
    """Paint until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--display", required=True)
    parser.add_argument("--rate", type=float, default=60.0, help="marks a second")
    arguments = parser.parse_args()
    connection = xcffib.connect(display=arguments.display)
    screen = connection.get_setup().roots[0]
    window, pixmap, white, black = (connection.generate_id() for _ in range(4))
    core = connection.core
    core.CreateWindow(
        screen.root_depth, window, screen.root, 0, 0, barcode.WIDTH_PX, barcode.HEIGHT_PX, 0,
        x.WindowClass.InputOutput, screen.root_visual,
        x.CW.BackPixel | x.CW.OverrideRedirect, [screen.black_pixel, 1],
    )  # fmt: skip
    core.CreatePixmap(screen.root_depth, pixmap, window, barcode.WIDTH_PX, barcode.HEIGHT_PX)
    for context, pixel in ((white, screen.white_pixel), (black, screen.black_pixel)):
        core.CreateGC(context, window, x.GC.Foreground | x.GC.GraphicsExposures, [pixel, 0])
    core.MapWindow(window)
    core.ConfigureWindow(window, x.ConfigWindow.StackMode, [x.StackMode.Above])
    everything = x.RECTANGLE.synthetic(0, 0, barcode.WIDTH_PX, barcode.HEIGHT_PX)
    due = time.monotonic()
    while True:
        marks = [
            x.RECTANGLE.synthetic(i * barcode.CELL_PX, 0, barcode.CELL_PX, barcode.HEIGHT_PX)
            for i, on in enumerate(barcode.cells(time.time_ns() // 1_000_000))
            if on
        ]
        core.PolyFillRectangle(pixmap, black, 1, [everything])
        core.PolyFillRectangle(pixmap, white, len(marks), marks)
        core.CopyArea(pixmap, window, white, 0, 0, 0, 0, barcode.WIDTH_PX, barcode.HEIGHT_PX)
        connection.flush()
        due = max(due + 1 / arguments.rate, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
