"""A unit on its way to the viewers of a stream, and the forms in which it is sent. Pure.

A unit carries an access unit or a patch.

A unit is encoded once for each kind of transport, and not once for each viewer: with 500 viewers it
would cost more to make a frame of 20 kB for each of them than to send it. So a unit keeps its
encoded forms, and makes each form when a viewer first needs it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from fanlight_common.protocol.binary import VideoUnit

EncodeForm = Callable[[bytes], bytes]
"""Turns a message into what one kind of transport writes, such as a WebSocket frame.

All transports of a kind have to use one function, because it is the key of the form."""


class Forms(dict[EncodeForm, bytes]):
    """The encoded forms of one message. A form that is looked up and missing is made and kept."""

    __slots__ = ("_is_relaxed", "_message")

    def __init__(self, message: bytes, *, is_relaxed: bool) -> None:
        super().__init__()
        self._message = message
        self._is_relaxed = is_relaxed

    def __missing__(self, encode: EncodeForm) -> bytes:
        """Make the form, and keep it. A subscript costs each viewer 40 ns, a method 120 ns."""
        message = relaxed(self._message) if self._is_relaxed else self._message
        form = self[encode] = encode(message)
        return form


@dataclass(frozen=True, slots=True)
class Unit:
    """What gates need to know of a unit, and the message that carries it."""

    epoch: int
    sequence: int
    idr: bool
    data: bytes
    """The whole VideoUnit message."""
    label: tuple[int, int] = field(init=False)
    """Epoch and sequence."""
    following: tuple[int, int] = field(init=False)
    """The label of the unit that continues the GOP after this one."""
    size_bytes: int = field(init=False)
    forms: Forms = field(init=False)
    """The message's encoded forms."""
    relaxed_forms: Forms = field(init=False)
    """The same, for viewers that may keep their acknowledgement back for a while. The flag RELAXED
    is set in them."""

    def __post_init__(self) -> None:
        """Compute once what every viewer's gate would compute otherwise."""
        object.__setattr__(self, "label", (self.epoch, self.sequence))
        object.__setattr__(self, "following", (self.epoch, self.sequence + 1))
        object.__setattr__(self, "size_bytes", len(self.data))
        object.__setattr__(self, "forms", Forms(self.data, is_relaxed=False))
        object.__setattr__(self, "relaxed_forms", Forms(self.data, is_relaxed=True))


@dataclass(slots=True)
class Sent:
    """A unit on its way to one viewer. It is not frozen, because that would double the cost of
    making one, which happens 30,000 times a second."""

    epoch: int
    sequence: int
    idr: bool
    size_bytes: int
    before_bytes: int
    """How many bytes were in flight already when it was sent."""
    at: float
    """When it was sent, in seconds."""
    relaxed: bool = False
    """May its acknowledgement wait?"""


def relaxed(message: bytes) -> bytes:
    """Return the VideoUnit message with the flag which says that its acknowledgement may wait."""
    changed = bytearray(message)
    changed[VideoUnit.FLAGS_AT] |= VideoUnit.RELAXED
    return bytes(changed)
