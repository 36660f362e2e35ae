"""An X client that looks at a demonstration desk: its windows, its picture."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import xcffib
from xcffib import xproto

from fanlight_launcher.demo.desk import DemoDesk


@dataclass(frozen=True, slots=True)
class Window:
    """A window that the window manager has taken; its rectangle includes the frame, in pixels."""

    title: str
    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: "Window") -> bool:
        """Return whether a pixel belongs to both windows."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


class Desktop:
    """A connection to the X server of a desk."""

    def __init__(self, connection: xcffib.Connection) -> None:
        self._connection = connection
        self._root = connection.get_setup().roots[0].root

    def windows(self) -> dict[str, Window]:
        """Return the windows by title. A window that is just coming or going is left out."""
        found = {}
        for id_ in self._numbers(self._root, "_NET_CLIENT_LIST"):
            with contextlib.suppress(xproto.WindowError, xproto.DrawableError, ValueError):
                window = self._window(id_)
                found[window.title] = window
        return found

    def active(self) -> str:
        """Return the title of the window that has the keyboard, "" if none has it."""
        for id_ in self._numbers(self._root, "_NET_ACTIVE_WINDOW"):
            with contextlib.suppress(xproto.WindowError):
                return self._title(id_)
        return ""

    def picture(self, window: Window) -> bytes:
        """Return the pixels of the screen where a window is, whatever is on top of it."""
        return bytes(
            self._connection.core.GetImage(
                xproto.ImageFormat.ZPixmap,
                self._root,
                *(window.x, window.y, window.width, window.height),
                0xFFFFFFFF,
            )
            .reply()
            .data
        )

    def _window(self, id_: int) -> Window:
        size = self._connection.core.GetGeometry(id_).reply()
        place = self._connection.core.TranslateCoordinates(id_, self._root, 0, 0).reply()
        left, right, top, bottom = self._numbers(id_, "_NET_FRAME_EXTENTS")
        return Window(
            self._title(id_),
            place.dst_x - left,
            place.dst_y - top,
            size.width + left + right,
            size.height + top + bottom,
        )

    def _title(self, id_: int) -> str:
        # openbox writes the title that it shows.
        return self._property(id_, "_NET_WM_VISIBLE_NAME").buf().decode()

    def _numbers(self, id_: int, name: str) -> list[int]:
        return list(memoryview(self._property(id_, name).buf()).cast("I"))

    def _property(self, id_: int, name: str) -> xcffib.List:
        core = self._connection.core
        atom = core.InternAtom(False, len(name), name).reply().atom
        return (
            core.GetProperty(False, id_, atom, xproto.GetPropertyType.Any, 0, 1 << 16).reply().value
        )


@contextlib.contextmanager
def connected(desk: DemoDesk) -> Iterator[Desktop]:
    """Gives a connection with the desk's cookie."""
    with patch.dict("os.environ", desk.environment()):
        connection = xcffib.connect()
    try:
        yield Desktop(connection)
    finally:
        connection.disconnect()
