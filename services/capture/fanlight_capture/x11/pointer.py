"""The pointer of an X display: what it looks like and where it is, while somebody watches.

Lives on the worker's loop. Owns the cursor subscription and the polling task, both of which exist
only while it is watched. It polls, because no event of X11 tells every change of the position (raw
motion does not report warps). It polls less often once the pointer rests, because polling was most
of what an idle desk cost. Drops positions that are as before.
"""

import asyncio
import contextlib
import struct
from collections import OrderedDict
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import xcffib.xfixes

from fanlight_capture.core.positions import position
from fanlight_capture.pointer_image import HIDDEN, pointer_shape
from fanlight_capture.source import Listener
from fanlight_capture.x11.connection import X11Connection, XRequestError
from fanlight_common.core.errors import SourceLostError
from fanlight_common.process import clock
from fanlight_common.process.ticks import tick
from fanlight_common.protocol.binary import PointerShape

_CURSOR_REPLY = struct.Struct("<8xhhHHHHI8x")
_POINTER_REPLY = struct.Struct("<16xhh")
_DISPLAY_CURSOR = 1
_KEPT_SHAPES = 64
"""An animated pointer repeats some 20 shapes, and encoding one takes 0.2 ms."""


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """How often the pointer's position is asked for while somebody watches, in seconds."""

    moving_s: float = 0.033
    """The interval while the pointer moves. 30 times a second are enough, because a viewer that
    moves the pointer draws its own."""
    rest_s: float = 0.125
    """The interval while the pointer rests. If a program moves it, the viewer may see the first
    movement so much later."""
    rest_after_s: float = 1.0
    """A pointer that has not moved for this time rests."""


class PointerWatch:
    """Tells `listener` of the pointer between `watch` and `unwatch`. Its owner sets `size`."""

    def __init__(
        self,
        connection: X11Connection,
        listener: Listener,
        intervals: PollIntervals = PollIntervals(),
    ) -> None:
        self._x = connection
        self._listener = listener
        self._intervals = intervals
        self._shapes: OrderedDict[int, PointerShape] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching = False
        self._seen: tuple[int, int] | None = None
        self.size = connection.size
        connection.on(xcffib.xfixes.CursorNotifyEvent, lambda event: self._changed(event))

    def watch(self) -> None:
        """Begin to tell the listener of the pointer. It gets shape and position at once."""
        self._watching = True
        self._seen = None
        with self._x.batch():
            self._x.xfixes.SelectCursorInput(self._x.root, _DISPLAY_CURSOR)
        self._spawn(self._tell_shape())
        self._spawn(self._poll())

    def unwatch(self) -> None:
        """Tell nothing more. The pointer costs nothing from now on."""
        self._watching = False
        for task in self._tasks:
            task.cancel()
        with self._x.batch():
            self._x.xfixes.SelectCursorInput(self._x.root, 0)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(self._until_lost(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_lost(self, work: Coroutine[Any, Any, None]) -> None:
        with contextlib.suppress(SourceLostError):
            await work

    def _changed(self, event: xcffib.xfixes.CursorNotifyEvent) -> None:
        if not self._watching:
            return
        known = self._shapes.get(event.cursor_serial)
        if known is not None:
            self._shapes.move_to_end(event.cursor_serial)
            self._listener.pointer_shape(known)
        else:
            self._spawn(self._tell_shape())

    async def _tell_shape(self) -> None:
        with self._x.batch():
            asked = self._x.ask(lambda: self._x.xfixes.GetCursorImage())
        try:
            reply = await asked
        except XRequestError:
            # The server has no pointer that could be shown.
            self._listener.pointer_shape(HIDDEN)
            return
        _, _, width, height, hotspot_x, hotspot_y, serial = _CURSOR_REPLY.unpack_from(reply)
        pixels = reply[_CURSOR_REPLY.size : _CURSOR_REPLY.size + 4 * width * height]
        shape = pointer_shape(pixels, width, height, hotspot_x, hotspot_y)
        self._shapes[serial] = shape
        if len(self._shapes) > _KEPT_SHAPES:
            self._shapes.popitem(last=False)
        self._listener.pointer_shape(shape)

    async def _poll(self) -> None:
        moved_s = clock.now_s()
        while True:
            with self._x.batch():
                asked = self._x.ask(lambda: self._x.raw.core.QueryPointer(self._x.root))
            seen: tuple[int, int] = _POINTER_REPLY.unpack_from(await asked)
            if seen != self._seen:
                self._seen = seen
                moved_s = clock.now_s()
                self._listener.pointer_position(position(*seen, *self.size))
            if clock.now_s() - moved_s < self._intervals.rest_after_s:
                await asyncio.sleep(self._intervals.moving_s)
            else:
                await tick(self._intervals.rest_s)
