"""A desk that needs no display: the pictures of `core.pattern`, and a recorder for input.

Lives on the worker's loop. Owns the time at which picture 0 was shown, and the timer of the next
picture, which runs only after a `look` or a `grab`. Drops pictures that are not grabbed in time.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fanlight_capture.core import pattern
from fanlight_capture.core.positions import position
from fanlight_capture.pointer_image import pointer_shape
from fanlight_capture.source import Listener, SourceCapabilities
from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.geometry import Rect
from fanlight_common.process import clock

MAX_RECORDED = 10_000
POINTER_SIDE = 12
"""The pointer is a magenta square, this many pixels wide, with its hot spot in the upper left."""


class InputRecorder:
    """A sink that injects nothing. It records each input in order, as (name, *arguments)."""

    def __init__(self, moved: Callable[[], None], log: Path | None = None) -> None:
        self.recorded: deque[tuple[Any, ...]] = deque(maxlen=MAX_RECORDED)
        self.position = (0, 0)
        self._moved = moved
        self._log = log

    def key(self, usage: int, down: bool) -> None:
        """As in Sink."""
        self._record("key", usage, down)

    def repeat(self, usage: int) -> None:
        """As in Sink."""
        self._record("repeat", usage)

    def button(self, button: int, down: bool) -> None:
        """As in Sink."""
        self._record("button", button, down)

    def move(self, x: int, y: int) -> None:
        """As in Sink."""
        self.position = (x, y)
        self._record("move", x, y)
        self._moved()

    def move_relative(self, dx: int, dy: int) -> None:
        """As in Sink."""
        self.position = (self.position[0] + dx, self.position[1] + dy)
        self._record("move_relative", dx, dy)
        self._moved()

    def wheel(self, right: int, down: int) -> None:
        """As in Sink."""
        self._record("wheel", right, down)

    async def type_text(self, text: str) -> None:
        """As in Sink."""
        self._record("text", text)

    async def taken(self) -> None:
        """As in Sink."""

    def clipboard(self, text: str) -> None:
        """Record that the clipboard was set."""
        self._record("clipboard", text)

    def _record(self, *what: Any) -> None:
        self.recorded.append(what)
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(what) + "\n")


class PatternSource:
    """A desk that shows picture n from second n / fps on."""

    capabilities = SourceCapabilities(pointer_shape=True, clipboard=True, any_character=True)

    def __init__(
        self, listener: Listener, mode: pattern.PatternMode, log: Path | None = None
    ) -> None:
        self.width = mode.width
        self.height = mode.height
        self.sink = InputRecorder(self._pointer_moved, log)
        self._listener = listener
        self._fps = mode.fps
        self._began = clock.now_s()
        self._background = pattern.base(mode.width, mode.height)
        self._ring: FrameRing | None = None
        self._taken = -1
        self._watched = False
        self._clipboard = ""
        self._timer: asyncio.TimerHandle | None = None

    async def use_ring(self, ring: FrameRing) -> None:
        """As in Source."""
        self._ring = ring

    async def look(self) -> bool:
        """As in Source."""
        changed = self._number() != self._taken
        if not changed:
            self._wake_at_next()
        return changed

    async def grab(self, slot: int) -> tuple[Rect, ...]:
        """As in Source."""
        assert self._ring is not None
        number = self._number()
        pattern.draw(self._ring.pixels(slot), self._background, number, self.width, self.height)
        taken, self._taken = self._taken, number
        self._wake_at_next()
        if taken < 0:
            return (Rect(0, 0, self.width, self.height),)
        return pattern.changed(taken, number, self.width, self.height)

    def watch(self, on: bool) -> None:
        """As in Source."""
        self._watched = on
        if on:
            magenta = bytes((255, 0, 255, 255)) * POINTER_SIDE**2
            self._listener.pointer_shape(pointer_shape(magenta, POINTER_SIDE, POINTER_SIDE, 0, 0))
            self._pointer_moved()
            if self._clipboard:
                self._listener.clipboard(self._clipboard)

    def set_clipboard(self, text: str) -> None:
        """As in Source."""
        self._clipboard = text
        self.sink.clipboard(text)
        if self._watched:
            self._listener.clipboard(text)

    async def close(self) -> None:
        """As in Source."""
        if self._timer is not None:
            self._timer.cancel()

    def _pointer_moved(self) -> None:
        if self._watched:
            x, y = self.sink.position
            self._listener.pointer_position(position(x, y, self.width, self.height))

    def _number(self) -> int:
        return int((clock.now_s() - self._began) * self._fps)

    def _wake_at_next(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._fps > 0:
            next_s = self._began + (self._number() + 1) / self._fps - clock.now_s()
            loop = asyncio.get_running_loop()
            # The timer has a millisecond more, because it may fire a little too soon.
            self._timer = loop.call_later(max(0.0, next_s) + 0.001, self._listener.damaged)
