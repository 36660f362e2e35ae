"""The text clipboard (selection CLIPBOARD) of an X display, both ways.

Lives on the worker's loop. Owns an invisible window, the text that a viewer set, and the one
request for text that waits for an answer (a conversion). It reads what is copied only while it is
watched. Drops data that is not text, and texts of more than MAX_CLIPBOARD_CHARS, because nobody
would see that a truncated text is not complete. It never touches PRIMARY, the selection by mouse.
"""

import asyncio
import io
import logging
import struct
from functools import partial
from typing import Any

import xcffib.xfixes
import xcffib.xproto

from fanlight_capture import metrics
from fanlight_capture.source import Listener
from fanlight_capture.x11.connection import X11Connection, XRequestError
from fanlight_common.core.errors import SourceLostError
from fanlight_common.process.tasks import spawn
from fanlight_common.protocol.control import MAX_CLIPBOARD_CHARS

log = logging.getLogger(__name__)

CONVERT_TIMEOUT_S = 3.0
"""The most seconds that the owner of the selection may take to hand its text over."""
_MAX_BYTES = 4 * MAX_CLIPBOARD_CHARS
_CHANGE_PROPERTY, _REPLACE = 18, 0
_PROPERTY_REPLY = struct.Struct("<xB2xIIII12x")
_SELECTION_NOTIFY = struct.Struct("<BxxxIIIII8x")
_ATOMS = (
    "CLIPBOARD",
    "TARGETS",
    "UTF8_STRING",
    "STRING",
    "TEXT",
    "text/plain;charset=utf-8",
    "text/plain",
    "INCR",
    "ATOM",
    "FANLIGHT_CLIPBOARD",
)
_UTF8_TARGETS = ("UTF8_STRING", "TEXT", "text/plain;charset=utf-8", "text/plain")


class _NoTextError(Exception):
    """The owner of the selection gives no text, or too much.

    The exception's text becomes a metric label.
    """


class X11Clipboard:
    """The clipboard of one connection. Call `prepare` before anything else."""

    def __init__(self, connection: X11Connection, listener: Listener) -> None:
        self._x = connection
        self._listener = listener
        self._window: int = connection.raw.generate_id()
        self._atoms: dict[str, int] = {}
        self._own: str | None = None
        self._watching = False
        self._reading: asyncio.Task[None] | None = None
        self._converted: asyncio.Queue[bool] = asyncio.Queue()
        self._chunks: asyncio.Queue[None] = asyncio.Queue()
        connection.on(xcffib.xfixes.SelectionNotifyEvent, self._owner_changed)
        connection.on(xcffib.xproto.SelectionNotifyEvent, self._conversion_done)
        connection.on(xcffib.xproto.SelectionRequestEvent, self._serve)
        connection.on(xcffib.xproto.SelectionClearEvent, self._cleared)
        connection.on(xcffib.xproto.PropertyNotifyEvent, self._property_changed)

    async def prepare(self) -> None:
        """Make the window, and ask for the atoms."""
        proto = xcffib.xproto
        with self._x.batch():
            self._x.raw.core.CreateWindow(
                0,
                self._window,
                self._x.root,
                *(-1, -1, 1, 1, 0),
                proto.WindowClass.InputOnly,
                0,
                proto.CW.OverrideRedirect | proto.CW.EventMask,
                [1, proto.EventMask.PropertyChange],
            )
            intern = self._x.raw.core.InternAtom
            asked = {name: self._x.ask(partial(intern, False, len(name), name)) for name in _ATOMS}
        for name, reply in asked.items():
            (self._atoms[name],) = struct.unpack_from("<8xI", await reply)
        with self._x.batch():
            mask = xcffib.xfixes.SelectionEventMask.SetSelectionOwner
            self._x.xfixes.SelectSelectionInput(self._window, self._atoms["CLIPBOARD"], mask)

    def watch(self) -> None:
        """Begin to tell the listener of copied text. It gets the present text first."""
        self._watching = True
        if self._own is not None:
            self._listener.clipboard(self._own)
        else:
            self._read()

    def unwatch(self) -> None:
        """Tell nothing more. A conversion that is under way is given up."""
        self._watching = False
        self._stop_reading()

    def set_text(self, text: str) -> None:
        """Make `text` the desk's clipboard."""
        self._own = text
        self._stop_reading()
        with self._x.batch():
            # The time is 0 (now), because the X server did not see the viewer copy.
            self._x.raw.core.SetSelectionOwner(self._window, self._atoms["CLIPBOARD"], 0)
        if self._watching:
            self._listener.clipboard(text)

    def close(self) -> None:
        """Give up a conversion that is under way."""
        self._stop_reading()

    # Reading what somebody else copied.

    def _owner_changed(self, event: Any) -> None:
        if event.owner == self._window:
            return
        self._own = None
        if self._watching and event.owner:
            self._read()

    def _cleared(self, event: Any) -> None:
        if event.selection == self._atoms["CLIPBOARD"]:
            self._own = None

    def _read(self) -> None:
        self._stop_reading()
        self._reading = spawn(self._read_text())

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _read_text(self) -> None:
        try:
            async with asyncio.timeout(CONVERT_TIMEOUT_S):
                text = await self._convert("UTF8_STRING", "utf-8")
                if text is None:
                    text = await self._convert("STRING", "latin-1")
        except (TimeoutError, _NoTextError) as error:
            reason = "no_answer" if isinstance(error, TimeoutError) else str(error)
            metrics.clipboard_refused.labels(reason).inc()
            log.info("event=clipboard_refused reason=%s", reason)
            return
        except (SourceLostError, XRequestError):
            return
        if text:
            self._listener.clipboard(text)

    async def _convert(self, target: str, encoding: str) -> str | None:
        for queue in (self._converted, self._chunks):
            while not queue.empty():
                queue.get_nowait()
        prop = self._atoms["FANLIGHT_CLIPBOARD"]
        with self._x.batch():
            self._x.raw.core.DeleteProperty(self._window, prop)
            self._x.raw.core.ConvertSelection(
                self._window, self._atoms["CLIPBOARD"], self._atoms[target], prop, 0
            )
        if not await self._converted.get():
            return None
        while not self._chunks.empty():
            self._chunks.get_nowait()
        # This reads and deletes the property, because an owner that sends in pieces waits for that.
        kind, data = await self._take(prop)
        if kind == self._atoms["INCR"]:
            data = b""
            while True:
                await self._chunks.get()
                _, chunk = await self._take(prop)
                if not chunk:
                    break
                data += chunk
                if len(data) > _MAX_BYTES:
                    raise _NoTextError("too_large")
        text = data.decode(encoding, "replace")
        if len(text) > MAX_CLIPBOARD_CHARS:
            raise _NoTextError("too_large")
        return text

    async def _take(self, prop: int) -> tuple[int, bytes]:
        with self._x.batch():
            # This asks for one word more than is allowed, so that a rest that is left proves that
            # the text is too large.
            asked = self._x.ask(
                lambda: self._x.raw.core.GetProperty(
                    True, self._window, prop, 0, 0, _MAX_BYTES // 4 + 1
                )
            )
        reply = await asked
        bits, _, kind, left, count = _PROPERTY_REPLY.unpack_from(reply)
        if left:
            raise _NoTextError("too_large")
        size = count * bits // 8
        return kind, reply[_PROPERTY_REPLY.size : _PROPERTY_REPLY.size + size]

    def _conversion_done(self, event: Any) -> None:
        if event.requestor == self._window:
            self._converted.put_nowait(event.property != 0)

    def _property_changed(self, event: Any) -> None:
        ours = event.window == self._window and event.atom == self._atoms["FANLIGHT_CLIPBOARD"]
        if ours and event.state == xcffib.xproto.Property.NewValue:
            self._chunks.put_nowait(None)

    # Giving others what a viewer copied.

    def _serve(self, event: Any) -> None:
        # Old clients name no property. The target's name is used for them, as ICCCM says.
        prop = event.property or event.target
        given = False
        with self._x.batch():
            if self._own is not None and event.selection == self._atoms["CLIPBOARD"]:
                given = self._give(event.requestor, prop, event.target, self._own)
            notify = _SELECTION_NOTIFY.pack(
                xcffib.xproto.SelectionNotifyEvent.event_number,
                event.time,
                event.requestor,
                event.selection,
                event.target,
                prop if given else 0,
            )
            self._x.raw.core.SendEvent(False, event.requestor, 0, notify)

    def _give(self, window: int, prop: int, target: int, text: str) -> bool:
        names = {atom: name for name, atom in self._atoms.items()}
        name = names.get(target, "")
        if name == "TARGETS":
            offered = ("TARGETS", "STRING", *_UTF8_TARGETS)
            atoms = struct.pack(f"<{len(offered)}I", *(self._atoms[each] for each in offered))
            self._change_property(window, prop, self._atoms["ATOM"], 32, atoms)
        elif name in _UTF8_TARGETS:
            kind = self._atoms["UTF8_STRING"] if name == "TEXT" else target
            self._change_property(window, prop, kind, 8, text.encode())
        elif name == "STRING":
            self._change_property(window, prop, target, 8, text.encode("latin-1", "replace"))
        else:
            return False
        return True

    def _change_property(self, window: int, prop: int, kind: int, bits: int, data: bytes) -> None:
        # The request is packed here, because xcffib makes an object of every byte (100 ms for a
        # megabyte). xcb turns it into a BIG-REQUEST if needed, so a megabyte goes in one piece.
        count = len(data) * 8 // bits
        head = struct.pack("<xB2xIIIB3xI", _REPLACE, window, prop, kind, bits, count)
        self._x.raw.core.send_request(_CHANGE_PROPERTY, io.BytesIO(head + data))
