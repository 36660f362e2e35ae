"""What capture asks of a desk, whatever kind of display it is: the interface of all sources.

Everything that capture does with a desk goes through `Source`. Only `open_source` knows which
implementations there are (`x11/`, `pattern/`). The life of a source:

    created   by an opener (`OpenSource`): the display is there, and its size is known
    started   by `use_ring`, and anew after each change of size: it can be grabbed
    watched   between `watch(True)` and `watch(False)`, which may also come before the start
    lost      its display went away: it says so once, by `Listener.lost`; its async methods raise
              SourceLostError from then on, and the others do nothing
    closed    by `close`, once, whether it is lost or not

Sources and listeners live on the worker's loop: methods return at once unless they are `async`. A
source drops nothing that its methods do not say.
"""

from dataclasses import dataclass
from typing import Protocol

from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.errors import FanlightError, SourceLostError
from fanlight_common.core.geometry import Rect
from fanlight_common.protocol.binary import PointerPosition, PointerShape


class GrabFailedError(FanlightError):
    """No picture could be taken, because the desk has just become smaller. `resized` follows."""


@dataclass(frozen=True, slots=True)
class SourceCapabilities:
    """What a source can do beyond pictures, keys and a pointer that moves. /healthz shows it."""

    pointer_shape: bool
    """It tells what the pointer looks like. Otherwise the pointer is in the picture, or unseen."""
    clipboard: bool
    """It tells what is copied at the desk, and takes `set_clipboard`."""
    any_character: bool
    """`Sink.type_text` types also characters that no key of the desk's layout has."""


class Listener(Protocol):
    """What a source tells about its desk, and to whom."""

    def damaged(self) -> None:
        """Note that the picture has changed. Called once until the next `look` or `grab`."""

    def resized(self) -> None:
        """Note that the desk has another size now. The next grab needs a new ring."""

    def pointer_shape(self, shape: PointerShape) -> None:
        """Take the pointer's new shape. Called only while the source is watched."""

    def pointer_position(self, position: PointerPosition) -> None:
        """Take the pointer's new position. Called only while the source is watched."""

    def clipboard(self, text: str) -> None:
        """Take a text that was copied at the desk, or set. Called only while it is watched."""

    def lost(self, error: SourceLostError) -> None:
        """Note that the display has gone away."""


class Sink(Protocol):
    """Where input goes. Keys are USB usages, buttons are DOM numbers, positions are pixels."""

    def key(self, usage: int, down: bool) -> None:
        """Press or release a physical key. A key that is held does not repeat by itself."""

    def repeat(self, usage: int) -> None:
        """Let a held key do once more what it does. Does nothing if the key is not held."""

    def button(self, button: int, down: bool) -> None:
        """Press or release a pointer button."""

    def move(self, x: int, y: int) -> None:
        """Move the pointer to this pixel of the desk."""

    def move_relative(self, dx: int, dy: int) -> None:
        """Move the pointer by so many pixels."""

    def wheel(self, right: int, down: int) -> None:
        """Turn the wheel by whole clicks; negative numbers turn it left and up."""

    async def type_text(self, text: str) -> None:
        """Type text, whatever the layout. It takes time, and the caller holds other input back."""

    async def taken(self) -> None:
        """Wait until the display has taken all that was injected. Raises SourceLostError."""


class Source(Protocol):
    """A desk. See the head of this module for its life."""

    @property
    def capabilities(self) -> SourceCapabilities:
        """What this source can do. It never changes."""

    @property
    def sink(self) -> Sink:
        """Where input into this desk goes."""

    @property
    def width(self) -> int:
        """Pixels, as of the last `Listener.resized`."""

    @property
    def height(self) -> int:
        """Pixels, as of the last `Listener.resized`."""

    async def use_ring(self, ring: FrameRing) -> None:
        """Start, or start anew: grabs go into the slots of `ring` from now on.

        Its slots have at least `height` rows of 4 * `width` bytes.
        """

    async def look(self) -> bool:
        """Has anything changed since the last grab? The next grab still returns what has."""

    async def grab(self, slot: int) -> tuple[Rect, ...]:
        """Bring a slot up to date: afterwards it has the desk's pixels (BGRX, stride 4 * width).

        Only sources write into slots, so a source may leave bytes that are still right. Returns
        where the picture differs from that of the grab before. Raises GrabFailedError; the slot
        then has parts of two pictures.
        """

    def watch(self, on: bool) -> None:
        """Begin or end telling of pointer and clipboard. The present ones are told at once."""

    def set_clipboard(self, text: str) -> None:
        """Make this the desk's clipboard."""

    async def close(self) -> None:
        """Release everything. When it returns, the display has taken all that was injected."""
