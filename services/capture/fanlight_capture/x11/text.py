"""Types text into an X display, also characters that no key of its layout has.

Lives on the worker's loop, which gets its turn every few characters. Owns the spare keycodes that
were given keysyms (`core.typing` decides which). While it types, held modifiers are released and
Caps Lock is off; at the end, also after an error, both are as before. Drops characters that cannot
be typed, and counts them.
"""

import asyncio
import struct
from collections.abc import Sequence

from fanlight_capture import metrics
from fanlight_capture.core.keysyms import NO_SYMBOL, keysyms_of
from fanlight_capture.core.typing import (
    DEFAULT_LIMITS,
    Keymap,
    Stroke,
    TypingLimits,
    Typist,
    given_row,
)
from fanlight_capture.x11.connection import X11Connection
from fanlight_common.process import clock

_CORE_KEYBOARD = 0x100
_KEY_PRESS, _KEY_RELEASE = 2, 3
_LOCK = 2
_SHIFT_ROW, _LOCK_ROW, _NUM_LOCK_ROW = 0, 1, 4
_FIRST_KEYCODE, _KEYCODES = 8, 248
_STROKES_A_TURN = 16
"""To type so many characters takes about 1 ms of the loop."""


class X11Text:
    """Types texts, one at a time."""

    def __init__(self, connection: X11Connection, limits: TypingLimits = DEFAULT_LIMITS) -> None:
        self._x = connection
        self._typist = Typist(limits)
        self.real_keys: frozenset[int] = frozenset()
        """The keycodes that a viewer could press. All others are borrowed before them."""

    async def type(self, text: str, pressed: Sequence[int]) -> None:
        """Type `text` while the keycodes `pressed` are held down by viewers."""
        with self._x.batch():
            mapping = self._x.ask(
                lambda: self._x.raw.core.GetKeyboardMapping(_FIRST_KEYCODE, _KEYCODES)
            )
            modmap = self._x.ask(lambda: self._x.raw.core.GetModifierMapping())
            state = self._x.ask(lambda: self._x.xkb.GetState(_CORE_KEYBOARD))
        keymap = _parse_mapping(await mapping)
        rows = _parse_modifiers(await modmap)
        reply = await state
        locked, group = reply[11], reply[12]
        modifiers = {keycode for row in rows for keycode in row}
        self._typist.read(keymap, group, modifiers, self.real_keys)
        # Lock keys are left as they are, because releasing and pressing one would toggle it.
        toggles = {*rows[_LOCK_ROW], *rows[_NUM_LOCK_ROW]}
        lifted = [keycode for keycode in pressed if keycode in modifiers - toggles]
        shift_key = next(iter(rows[_SHIFT_ROW]), 0)
        try:
            with self._x.batch():
                for keycode in reversed(lifted):
                    self._fake(_KEY_RELEASE, keycode)
                if locked & _LOCK:
                    self._lock_caps(False)
            await self._type_all(keysyms_of(text), shift_key)
        finally:
            with self._x.batch():
                if locked & _LOCK:
                    self._lock_caps(True)
                for keycode in lifted:
                    self._fake(_KEY_PRESS, keycode)

    async def close(self) -> None:
        """Empty the borrowed keys. Returns when the server has done all earlier requests."""
        with self._x.batch():
            for keycode in self._typist.given():
                self._assign(keycode, (NO_SYMBOL,))
            done = self._x.ask(lambda: self._x.raw.core.GetInputFocus())
        await done

    async def _type_all(self, keysyms: Sequence[int], shift_key: int) -> None:
        for start in range(0, len(keysyms), _STROKES_A_TURN):
            strokes: list[Stroke] = []
            for keysym in keysyms[start : start + _STROKES_A_TURN]:
                stroke = self._typist.stroke(keysym, clock.now_s())
                if stroke is None or (stroke.shift and not shift_key):
                    metrics.inputs_ignored.labels("untypable").inc()
                    continue
                if stroke.assign is not None:
                    self._tap(strokes, shift_key)
                    strokes = []
                    await asyncio.sleep(stroke.wait_s)
                    with self._x.batch():
                        self._assign(stroke.keycode, given_row(stroke.assign))
                strokes.append(stroke)
            self._tap(strokes, shift_key)
            await asyncio.sleep(0)

    def _tap(self, strokes: Sequence[Stroke], shift_key: int) -> None:
        with self._x.batch():
            for stroke in strokes:
                if stroke.shift:
                    self._fake(_KEY_PRESS, shift_key)
                self._fake(_KEY_PRESS, stroke.keycode)
                self._fake(_KEY_RELEASE, stroke.keycode)
                if stroke.shift:
                    self._fake(_KEY_RELEASE, shift_key)

    def _assign(self, keycode: int, row: Sequence[int]) -> None:
        self._x.raw.core.ChangeKeyboardMapping(1, keycode, len(row), list(row))

    def _lock_caps(self, on: bool) -> None:
        locks = _LOCK if on else 0
        self._x.xkb.LatchLockState(_CORE_KEYBOARD, _LOCK, locks, False, 0, 0, False, 0)

    def _fake(self, kind: int, keycode: int) -> None:
        self._x.xtest.FakeInput(kind, keycode, 0, 0, 0, 0, 0)


def _parse_mapping(reply: bytes) -> Keymap:
    width = reply[1]
    keysyms = struct.unpack_from(f"<{_KEYCODES * width}I", reply, 32)
    return Keymap(_FIRST_KEYCODE, width, keysyms)


def _parse_modifiers(reply: bytes) -> list[list[int]]:
    """Return eight rows of keycodes: Shift, Lock, Control, Mod1 to Mod5."""
    width = reply[1]
    rows = [reply[32 + width * row : 32 + width * (row + 1)] for row in range(8)]
    return [[keycode for keycode in row if keycode] for row in rows]
