"""X programs for tests: a row of known colours, and a window that notes the keys that it gets."""

from collections.abc import Sequence
from typing import Self

import xcffib
import xcffib.xproto as x

PATCH_PX = 100
# Here Chromium converts pictures to RGB in software, by libyuv, whose 8-bit factors end at 2 and so
# cannot hold BT.709's 2.112 for blue. Saturated blue therefore comes out 12 of 255 too dark,
# whoever sent it (docs/decisions/0007). These colours have little blue difference, for which the
# conversion is exact.
COLOURS: Sequence[tuple[int, int, int]] = (
    (255, 255, 255),
    (0, 0, 0),
    (128, 128, 128),
    (255, 0, 0),
    (180, 60, 70),
    (60, 150, 90),
    (70, 90, 140),
    (30, 60, 90),
    (200, 180, 150),
    (90, 40, 90),
)


class Patches:
    """A window at (`left`, `top`) with one square for each colour, in a row."""

    def __init__(self, display: str, left: int = 0, top: int = 0) -> None:
        self._connection = xcffib.connect(display=display)
        self.left, self.top = left, top
        self._screen = self._connection.get_setup().roots[0]
        self._window = self._connection.generate_id()
        core = self._connection.core
        core.CreateWindow(
            self._screen.root_depth,
            self._window,
            self._screen.root,
            left,
            top,
            PATCH_PX * len(COLOURS),
            PATCH_PX,
            0,
            x.WindowClass.InputOutput,
            self._screen.root_visual,
            x.CW.BackPixel | x.CW.OverrideRedirect,
            [self._screen.black_pixel, 1],
        )
        core.MapWindow(self._window)
        self.paint(COLOURS)

    def paint(self, colours: Sequence[tuple[int, int, int]]) -> None:
        """Fill the squares."""
        core = self._connection.core
        for index, (red, green, blue) in enumerate(colours):
            context = self._connection.generate_id()
            core.CreateGC(context, self._window, x.GC.Foreground, [red << 16 | green << 8 | blue])
            square = x.RECTANGLE.synthetic(index * PATCH_PX, 0, PATCH_PX, PATCH_PX)
            core.PolyFillRectangle(self._window, context, 1, [square])
            core.FreeGC(context)
        core.GetInputFocus().reply()

    def centres(self) -> list[tuple[int, int]]:
        """Return the middle of each square, in desk pixels."""
        return [
            (self.left + index * PATCH_PX + PATCH_PX // 2, self.top + PATCH_PX // 2)
            for index in range(len(COLOURS))
        ]

    def close(self) -> None:
        """Remove the window."""
        self._connection.disconnect()


class KeyWindow:
    """A window that has the keyboard, notes each key that goes down, and can be drawn into."""

    def __init__(self, display: str) -> None:
        self._connection = xcffib.connect(display=display)
        screen = self._connection.get_setup().roots[0]
        self._window = self._connection.generate_id()
        self._context = self._connection.generate_id()
        self._drawn = 0
        self._seen: list[int] = []
        core = self._connection.core
        core.CreateWindow(
            screen.root_depth,
            self._window,
            screen.root,
            0,
            0,
            200,
            200,
            0,
            x.WindowClass.InputOutput,
            screen.root_visual,
            x.CW.OverrideRedirect | x.CW.EventMask,
            [1, x.EventMask.KeyPress],
        )
        core.MapWindow(self._window)
        core.SetInputFocus(x.InputFocus.PointerRoot, self._window, x.Time.CurrentTime)
        core.CreateGC(self._context, self._window, x.GC.Foreground, [0])
        core.GetInputFocus().reply()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.disconnect()

    def draw(self) -> None:
        """Draw a new colour into one corner."""
        self._drawn += 1
        core = self._connection.core
        core.ChangeGC(self._context, x.GC.Foreground, [self._drawn * 0x30507 & 0xFFFFFF])
        square = x.RECTANGLE.synthetic(0, 0, 64, 64)
        core.PolyFillRectangle(self._window, self._context, 1, [square])
        core.GetInputFocus().reply()

    def keys_seen(self) -> list[int]:
        """Return the key codes that have gone down so far."""
        self._connection.core.GetInputFocus().reply()
        while (event := self._connection.poll_for_event()) is not None:
            if isinstance(event, x.KeyPressEvent):
                self._seen.append(int(event.detail))
        return self._seen
