"""What capture needs of a desk, whatever kind of display it is.

Lives on the worker's loop, as everything that implements it: methods return at once unless they are
`async`. A source whose display goes away says so once, by `Listener.lost`; from then on its async
methods raise SourceLostError and the others do nothing.
"""

from typing import Protocol

from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.errors import FanlightError, SourceLostError
from fanlight_common.core.geometry import Rect
from fanlight_common.protocol.binary import PointerPosition, PointerShape


class GrabFailedError(FanlightError):
    """No picture could be taken: the desk has just become smaller, `Listener.resized` follows."""


class Listener(Protocol):
    """Whom a source tells what happens at its desk."""

    def damaged(self) -> None:
        """Something changed. Not said again before the next `look` or `grab`."""

    def resized(self) -> None:
        """The desk has another size now; a new ring is needed before the next grab."""

    def pointer_shape(self, shape: PointerShape) -> None:
        """The pointer looks like this. Only while watched."""

    def pointer_position(self, position: PointerPosition) -> None:
        """The pointer is here. Only while watched."""

    def clipboard(self, text: str) -> None:
        """This was copied at the desk, or set by `set_clipboard`. Only while watched."""

    def lost(self, error: SourceLostError) -> None:
        """The display went away."""


class Sink(Protocol):
    """Where input goes. Keys by USB usage, buttons by DOM number, positions in pixels."""

    def key(self, usage: int, down: bool) -> None:
        """Press or release a physical key. One that is held does not repeat by itself."""

    def repeat(self, usage: int) -> None:
        """A key that is held does once more what it does; nothing if it is not held."""

    def button(self, button: int, down: bool) -> None:
        """Press or release a pointer button."""

    def move(self, x: int, y: int) -> None:
        """Put the pointer there."""

    def move_relative(self, dx: int, dy: int) -> None:
        """Move the pointer by so much."""

    def wheel(self, right: int, down: int) -> None:
        """Turn the wheel by whole clicks; negative to the other side."""

    async def type_text(self, text: str) -> None:
        """Type text, whatever the layout. Takes its time; other input has to wait for it."""

    async def taken(self) -> None:
        """Return once the display has taken all that was injected before. SourceLostError."""


class Source(Protocol):
    """A desk."""

    @property
    def sink(self) -> Sink:
        """Where input into this desk goes."""

    @property
    def width(self) -> int:
        """Pixels, as of the newest `Listener.resized`."""

    @property
    def height(self) -> int:
        """Pixels, as of the newest `Listener.resized`."""

    async def use_ring(self, ring: FrameRing) -> None:
        """From now on grabs go into the slots of `ring`."""

    async def look(self) -> bool:
        """Has anything changed since the last grab? What did is kept for the next grab."""

    async def grab(self, slot: int) -> tuple[Rect, ...]:
        """Have a slot hold the desk's pixels (BGRX, stride 4 * width).

        Only sources write into slots, so what a slot holds from before may be left where it is
        still right. Returns where the picture differs from the grab before.
        Raises GrabFailedError.
        """

    def watch(self, on: bool) -> None:
        """Begin or end telling of pointer and clipboard. Beginning tells how they are now."""

    def set_clipboard(self, text: str) -> None:
        """Make this the desk's clipboard."""

    async def close(self) -> None:
        """Let everything go. What was injected has arrived then."""
