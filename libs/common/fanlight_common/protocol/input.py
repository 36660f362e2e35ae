"""Input of viewers: keys, pointer, wheel, text. Binary, between viewer and capture.

Pure; owns and drops nothing. Little-endian, a type byte in front. The gateway checks an input
message and passes its bytes on to capture within `bus.Input`. `web/protocol/binary.js` writes the
same bytes, and tests/vectors/binary.json holds the two together. Positions are fractions of the
desk in 1/65536 of its width and height, so that they mean the same whatever the desk's size is at
the moment: pixel = fraction * width >> 16.

Input needs the role `control`: 0x20 Key, 0x21 PointerMove, 0x22 PointerMoveRelative,
0x23 PointerButton, 0x24 Wheel, 0x25 Text. A message with an unknown flag is refused, because half
of an action is worse than none.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol.layouts import decode_by_type, unpack_fixed

MAX_TEXT_BYTES = 4096
FRACTION_MAX = 65535


@dataclass(frozen=True, slots=True)
class Key:
    """A physical key went down or up. `usage`: USB HID usage, page 7, see `protocol.keyboard`.

    0 u8 0x20 | 1 u8 flags, bit 0: down | 2 u16 usage
    """

    TYPE: ClassVar[int] = 0x20
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBH")

    down: bool
    usage: int

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.down, self.usage)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        _, flags, usage = unpack_fixed(data, cls.LAYOUT, cls.__name__)
        if flags > 1:
            raise ProtocolError("Key: unknown flags")
        return cls(bool(flags), usage)


@dataclass(frozen=True, slots=True)
class PointerMove:
    """The pointer is at this position now. Only the newest position matters.

    0 u8 0x21 | 1 zero | 2 u16 x | 4 u16 y, fractions
    """

    TYPE: ClassVar[int] = 0x21
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BxHH")

    x: int
    y: int

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.x, self.y)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        _, x, y = unpack_fixed(data, cls.LAYOUT, cls.__name__)
        return cls(x, y)


@dataclass(frozen=True, slots=True)
class PointerMoveRelative:
    """The pointer moved by `dx`, `dy` desk pixels, under pointer lock.

    A sender may add several moves together. It drops none, because the sum must stay right.

    0 u8 0x22 | 1 zero | 2 i16 dx | 4 i16 dy
    """

    TYPE: ClassVar[int] = 0x22
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<Bxhh")

    dx: int
    dy: int

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.dx, self.dy)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        _, dx, dy = unpack_fixed(data, cls.LAYOUT, cls.__name__)
        return cls(dx, dy)


@dataclass(frozen=True, slots=True)
class PointerButton:
    """A button went down or up at this position. The pointer is moved there first.

    0 u8 0x23 | 1 u8 flags, bit 0: down, bit 1: x and y are valid | 2 u8 button | 3 zero |
    4 u16 x | 6 u16 y, fractions

    Buttons have the DOM's numbers: 0 left, 1 middle, 2 right, 3 back, 4 forward.
    """

    TYPE: ClassVar[int] = 0x23
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBBxHH")

    down: bool
    button: int
    position: tuple[int, int] | None

    def encode(self) -> bytes:
        """Return the message's bytes."""
        flags = self.down | (self.position is not None) << 1
        return self.LAYOUT.pack(self.TYPE, flags, self.button, *(self.position or (0, 0)))

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        _, flags, button, x, y = unpack_fixed(data, cls.LAYOUT, cls.__name__)
        if flags > 3 or button > 4:
            raise ProtocolError("PointerButton: unknown flags or button")
        return cls(bool(flags & 1), button, (x, y) if flags & 2 else None)


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel was turned at this position, in 1/120 of a notch. Positive is right and down.

    0 u8 0x24 | 1 u8 flags, bit 1: x and y are valid | 2 i16 dx | 4 i16 dy | 6 u16 x | 8 u16 y
    """

    TYPE: ClassVar[int] = 0x24
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBhhHH")

    dx: int
    dy: int
    position: tuple[int, int] | None

    def encode(self) -> bytes:
        """Return the message's bytes."""
        flags = (self.position is not None) << 1
        return self.LAYOUT.pack(self.TYPE, flags, self.dx, self.dy, *(self.position or (0, 0)))

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        _, flags, dx, dy, x, y = unpack_fixed(data, cls.LAYOUT, cls.__name__)
        if flags not in (0, 2):
            raise ProtocolError("Wheel: unknown flags")
        return cls(dx, dy, (x, y) if flags else None)


@dataclass(frozen=True, slots=True)
class Text:
    """Text from an input method or a phone, which capture types. At most MAX_TEXT_BYTES.

    0 u8 0x25 | 1 UTF-8
    """

    TYPE: ClassVar[int] = 0x25

    text: str

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return bytes((self.TYPE,)) + self.text.encode()

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        if not 1 < len(data) <= 1 + MAX_TEXT_BYTES:
            raise ProtocolError(f"Text: wants 1 to {MAX_TEXT_BYTES} bytes")
        try:
            return cls(bytes(data[1:]).decode())
        except UnicodeDecodeError:
            raise ProtocolError("Text: not UTF-8") from None


InputMessage = Key | PointerMove | PointerMoveRelative | PointerButton | Wheel | Text

INPUT_KINDS: Mapping[int, type[InputMessage]] = {
    kind.TYPE: kind for kind in (Key, PointerMove, PointerMoveRelative, PointerButton, Wheel, Text)
}


def decode_input(data: bytes | memoryview) -> InputMessage:
    """Decode an input message, as capture gets it. Raises ProtocolError."""
    return decode_by_type(data, INPUT_KINDS)
