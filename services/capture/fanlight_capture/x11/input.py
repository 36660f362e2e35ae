"""Input into an X display through XTEST.

Lives on the worker's loop. Owns the keycode by which each held key was pressed. It finds keys by
their place on the keyboard (XKB key names), so the desk's layout decides what they type. Drops keys
that the server's keyboard does not have, and counts them. Every call is flushed at once.

The server must not repeat a key that is pressed here, because the viewer's keyboard does. The
server decides this at the press, by the key's own auto-repeat bit. So capture switches the bit off,
presses the key and switches the bit on again, within one write. Nothing stays changed for a person
at the desk's keyboard or for other programs, not even if capture is killed meanwhile, and the
setting of `xset r` does not matter. A repetition is a release and a press in one write. The server
itself reports repetitions so to programs that have not asked for detectable auto-repeat.
"""

import asyncio
import contextlib
import logging
import struct
from typing import Any

import xcffib.xkb
import xcffib.xproto

from fanlight_capture import metrics
from fanlight_capture.x11.connection import X11Connection, XRequestError
from fanlight_capture.x11.text import X11Text
from fanlight_common.core.errors import SourceLostError
from fanlight_common.process.tasks import spawn
from fanlight_common.protocol.keyboard import XKB_NAMES_BY_USAGE

log = logging.getLogger(__name__)

CORE_KEYBOARD = 0x100
KEY_PRESS, KEY_RELEASE, BUTTON_PRESS, BUTTON_RELEASE, MOTION = 2, 3, 4, 5, 6
_BUTTONS = (1, 2, 3, 8, 9)
"""X11's numbers of the DOM's buttons: left, middle, right, back, forward."""
_UP, _DOWN, _LEFT, _RIGHT = 4, 5, 6, 7
_KEY_AND_AUTO_REPEAT = xcffib.xproto.KB.Key | xcffib.xproto.KB.AutoRepeatMode
_AUTO_REPEATS_AT = 20
"""Where a GetKeyboardControl reply has 256 bits, one for each keycode."""
_NAMES_HEADER = struct.Struct("<8xIBBBBHBBIBBH4x")


class X11Input:
    """The sink of one X display. Call `prepare` before anything else."""

    def __init__(self, connection: X11Connection) -> None:
        self._x = connection
        self._keycodes: dict[int, int] = {}
        self._pressed: dict[int, int] = {}
        self._repeating: frozenset[int] = frozenset()
        """The keycodes that the server repeats: mostly all but modifiers and locks."""
        self._text = X11Text(connection)
        self._rereading: asyncio.Task[None] | None = None
        # xcffib takes every XKB event for this one, and each event that is selected means a new
        # keymap.
        connection.on(xcffib.xkb.NewKeyboardNotifyEvent, lambda _: self._keymap_changed())
        connection.on(xcffib.xproto.MappingNotifyEvent, lambda _: self._keymap_changed())

    async def prepare(self) -> None:
        """Read the key names, and release what a capture that was killed has left pressed.

        XTEST releases only what XTEST has pressed, so a person at the desk's own keyboard is not
        disturbed.
        """
        event = xcffib.xkb.EventType
        with self._x.batch():
            wanted = event.NewKeyboardNotify | event.NamesNotify
            self._x.xkb.SelectEvents(CORE_KEYBOARD, wanted, 0, wanted, 0, 0, [])
            keymap = self._x.ask(lambda: self._x.raw.core.QueryKeymap())
        await self._read_names()
        bits = (await keymap)[8:40]
        with self._x.batch():
            for keycode in range(8, 256):
                if bits[keycode // 8] >> keycode % 8 & 1:
                    self._fake(KEY_RELEASE, keycode)
            for button in _BUTTONS:
                self._fake(BUTTON_RELEASE, button)

    def key(self, usage: int, down: bool) -> None:
        """As in Sink."""
        # A release is of the keycode that was pressed, even if the keymap has changed since then.
        keycode = self._keycodes.get(usage) if down else self._pressed.pop(usage, None)
        if keycode is None:
            metrics.inputs_ignored.labels("no_such_key").inc()
            return
        if down:
            self._pressed[usage] = keycode
        with self._x.batch():
            if down:
                self._press(keycode)
            else:
                self._fake(KEY_RELEASE, keycode)

    def repeat(self, usage: int) -> None:
        """As in Sink. Does nothing for keys that the desk's layout or its user does not repeat."""
        keycode = self._pressed.get(usage)
        if keycode is None or keycode not in self._repeating:
            return
        with self._x.batch():
            self._fake(KEY_RELEASE, keycode)
            self._press(keycode)

    def button(self, button: int, down: bool) -> None:
        """As in Sink."""
        with self._x.batch():
            self._fake(BUTTON_PRESS if down else BUTTON_RELEASE, _BUTTONS[button])

    def move(self, x: int, y: int) -> None:
        """As in Sink."""
        with self._x.batch():
            self._fake(MOTION, 0, x, y)

    def move_relative(self, dx: int, dy: int) -> None:
        """As in Sink."""
        with self._x.batch():
            self._fake(MOTION, 1, dx, dy)

    def wheel(self, right: int, down: int) -> None:
        """As in Sink."""
        with self._x.batch():
            for clicks, forth, back in ((down, _DOWN, _UP), (right, _RIGHT, _LEFT)):
                for _ in range(abs(clicks)):
                    self._fake(BUTTON_PRESS, forth if clicks > 0 else back)
                    self._fake(BUTTON_RELEASE, forth if clicks > 0 else back)

    async def type_text(self, text: str) -> None:
        """As in Sink."""
        await self._text.type(text, tuple(self._pressed.values()))

    async def taken(self) -> None:
        """As in Sink. One answer is enough, because the server does requests in order."""
        with self._x.batch():
            answer = self._x.ask(lambda: self._x.raw.core.GetInputFocus())
        await answer

    async def close(self) -> None:
        """Give borrowed keys back. Waits at most 0.5 s until the server has done all requests."""
        if self._rereading is not None:
            self._rereading.cancel()
        with contextlib.suppress(SourceLostError, XRequestError, TimeoutError):
            async with asyncio.timeout(0.5):
                await self._text.close()

    def _press(self, keycode: int) -> None:
        if keycode not in self._repeating:
            self._fake(KEY_PRESS, keycode)
            return
        self._set_auto_repeat(keycode, False)
        self._fake(KEY_PRESS, keycode)
        self._set_auto_repeat(keycode, True)

    def _set_auto_repeat(self, keycode: int, on: bool) -> None:
        self._x.raw.core.ChangeKeyboardControl(_KEY_AND_AUTO_REPEAT, [keycode, int(on)])

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        self._x.xtest.FakeInput(kind, detail, 0, 0, x, y, 0)

    def _keymap_changed(self) -> None:
        if self._rereading is None or self._rereading.done():
            self._rereading = spawn(self._reread())

    async def _reread(self) -> None:
        # Changes come in bursts (setxkbmap, borrowed keys), and one reading covers a burst.
        await asyncio.sleep(0.05)
        with contextlib.suppress(SourceLostError, XRequestError):
            await self._read_names()

    async def _read_names(self) -> None:
        detail = xcffib.xkb.NameDetail
        wanted = detail.KeyNames | detail.KeyAliases
        with self._x.batch():
            asked = self._x.ask(lambda: self._x.xkb.GetNames(CORE_KEYBOARD, wanted))
            control = self._x.ask(lambda: self._x.raw.core.GetKeyboardControl())
        names = parse_names(await asked)
        self._repeating = parse_auto_repeats(await control)
        keycodes = {}
        for usage, candidates in XKB_NAMES_BY_USAGE.items():
            found = [names[name] for name in candidates if name in names]
            if found:
                keycodes[usage] = found[0]
        if keycodes != self._keycodes:
            self._keycodes = keycodes
            self._text.real_keys = frozenset(keycodes.values())
            log.info("event=keymap keys=%d", len(keycodes))


def parse_names(reply: bytes) -> dict[str, int]:
    """Return keycodes by key name and alias, from a GetNames reply that has only these two."""
    fields: tuple[Any, ...] = _NAMES_HEADER.unpack_from(reply)
    first, count, aliases = fields[6], fields[7], fields[10]
    names: dict[str, int] = {}
    offset = _NAMES_HEADER.size
    for keycode in range(first, first + count):
        name = _text(reply[offset : offset + 4])
        if name:
            names.setdefault(name, keycode)
        offset += 4
    for _ in range(aliases):
        real, alias = _text(reply[offset : offset + 4]), _text(reply[offset + 4 : offset + 8])
        if real in names:
            names.setdefault(alias, names[real])
        offset += 8
    return names


def parse_auto_repeats(reply: bytes) -> frozenset[int]:
    """Return the keycodes that repeat, from a GetKeyboardControl reply."""
    bits = reply[_AUTO_REPEATS_AT : _AUTO_REPEATS_AT + 32]
    return frozenset(code for code in range(256) if bits[code // 8] >> code % 8 & 1)


def _text(name: bytes) -> str:
    return name.rstrip(b"\0").decode("latin-1")
