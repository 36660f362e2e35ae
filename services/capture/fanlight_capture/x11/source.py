"""An X display as a source: grabs, pointer, clipboard, input and size over one connection.

Lives on the worker's loop. Owns the connection and its parts, and decides nothing itself. Drops
nothing.
"""

import logging
from typing import Any

import xcffib.xproto

from fanlight_capture.source import GrabFailedError, Listener, SourceCapabilities
from fanlight_capture.x11.clipboard import X11Clipboard
from fanlight_capture.x11.connection import ANSWER_TIMEOUT_S, X11Connection, XRequestError, connect
from fanlight_capture.x11.grab import X11Grabber
from fanlight_capture.x11.input import X11Input
from fanlight_capture.x11.pointer import PointerWatch
from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.errors import SourceLostError
from fanlight_common.core.geometry import Rect

log = logging.getLogger(__name__)


class X11Source:
    """A source on an X display, which `open_x11` creates."""

    capabilities = SourceCapabilities(pointer_shape=True, clipboard=True, any_character=True)

    def __init__(self, connection: X11Connection, listener: Listener) -> None:
        self._x = connection
        self._listener = listener
        self.width, self.height = connection.size
        self.sink = X11Input(connection)
        self._grabber = X11Grabber(connection, listener.damaged)
        self._pointer = PointerWatch(connection, listener)
        self._clipboard = X11Clipboard(connection, listener)
        # The root window tells its new size, whether RANDR or an older request resizes the desk.
        connection.on(xcffib.xproto.ConfigureNotifyEvent, self._configured)

    async def prepare(self) -> None:
        """Do all that needs answers of the server. Raises XRequestError, SourceLostError."""
        with self._x.batch():
            self._x.raw.core.ChangeWindowAttributes(
                self._x.root,
                xcffib.xproto.CW.EventMask,
                [xcffib.xproto.EventMask.StructureNotify],
            )
            # The desk may have been resized since the display was opened.
            geometry = self._x.ask(lambda: self._x.raw.core.GetGeometry(self._x.root))
        await self.sink.prepare()
        await self._clipboard.prepare()
        reply = await geometry
        self.width = int.from_bytes(reply[16:18], "little")
        self.height = int.from_bytes(reply[18:20], "little")
        self._pointer.size = (self.width, self.height)

    async def use_ring(self, ring: FrameRing) -> None:
        """As in Source."""
        direct = await self._grabber.use_ring(ring, self.width, self.height)
        log.info(
            "event=ring width=%d height=%d shm=%s", self.width, self.height, str(direct).lower()
        )

    async def look(self) -> bool:
        """As in Source."""
        return await self._grabber.look()

    async def grab(self, slot: int) -> tuple[Rect, ...]:
        """As in Source."""
        try:
            return await self._grabber.grab(slot)
        except XRequestError as error:
            raise GrabFailedError(str(error)) from None

    def watch(self, on: bool) -> None:
        """As in Source."""
        for part in (self._pointer, self._clipboard):
            if on:
                part.watch()
            else:
                part.unwatch()

    def set_clipboard(self, text: str) -> None:
        """As in Source."""
        self._clipboard.set_text(text)

    async def close(self) -> None:
        """As in Source."""
        self._pointer.unwatch()
        self._clipboard.close()
        await self.sink.close()
        self._x.close()

    def _configured(self, event: Any) -> None:
        size = (event.width, event.height)
        if event.window == self._x.root and size != (self.width, self.height):
            self.width, self.height = self._pointer.size = size
            self._listener.resized()


async def open_x11(
    listener: Listener, display: str, answer_timeout_s: float = ANSWER_TIMEOUT_S
) -> X11Source:
    """Connect to the display. Raises SourceLostError or ConfigurationError, and closes it then."""
    connection = await connect(display)
    try:
        connection.start(listener.lost, answer_timeout_s)
        source = X11Source(connection, listener)
        await source.prepare()
    except XRequestError as error:
        connection.close()
        raise SourceLostError(f"display {display!r}: {error}") from None
    except BaseException:
        connection.close()
        raise
    return source
