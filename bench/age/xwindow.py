"""A plain window without a window manager, in which painter, clip and rects draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xcffib
import xcffib.xproto as x


@dataclass(frozen=True, slots=True)
class Window:
    """A mapped window above all others, which is black at first."""

    connection: Any
    id: int
    depth: int
    white_pixel: int
    black_pixel: int

    @property
    def core(self) -> Any:
        """Return xcffib's core requests of the connection."""
        return self.connection.core

    def context(self, pixel: int) -> int:
        """Return a new graphics context that draws in one colour and sends no exposure events."""
        context: int = self.connection.generate_id()
        mask = x.GC.Foreground | x.GC.GraphicsExposures
        self.core.CreateGC(context, self.id, mask, [pixel, 0])
        return context

    def pixmap(self, width: int, height: int) -> int:
        """Return a new pixmap in the X server."""
        pixmap: int = self.connection.generate_id()
        self.core.CreatePixmap(self.depth, pixmap, self.id, width, height)
        return pixmap

    def fill(self, context: int, area: Sequence[int]) -> None:
        """Fill an area, given as (left, top, width, height)."""
        self.core.PolyFillRectangle(self.id, context, 1, [x.RECTANGLE.synthetic(*area)])


def open_window(display: str, left: int, top: int, width: int, height: int) -> Window:
    """Return a window at a place. It lasts as long as the process."""
    connection = xcffib.connect(display=display)
    screen = connection.get_setup().roots[0]
    window = connection.generate_id()
    connection.core.CreateWindow(
        screen.root_depth, window, screen.root, left, top, width, height, 0,
        x.WindowClass.InputOutput, screen.root_visual,
        x.CW.BackPixel | x.CW.OverrideRedirect, [screen.black_pixel, 1],
    )  # fmt: skip
    connection.core.MapWindow(window)
    connection.core.ConfigureWindow(window, x.ConfigWindow.StackMode, [x.StackMode.Above])
    connection.flush()
    return Window(connection, window, screen.root_depth, screen.white_pixel, screen.black_pixel)
