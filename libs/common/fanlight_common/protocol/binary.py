"""Binary messages between viewer and gateway: the hot path of the WebSocket.

Pure. Little-endian, a type byte in front. `web/protocol/binary.js` is the same in JavaScript; the
vectors in tests/vectors/binary.json hold the two together. Pointer positions are fractions of the
desk in 1/65536 (of width and height), so they mean the same whatever the desk's size at the moment:
pixel = fraction * width >> 16.

Gateway to viewer: 0x01 VideoUnit, 0x02 Pong, 0x03 PointerPosition, 0x04 PointerShape.
Viewer to gateway: 0x10 Ping, 0x11 Ack; input, which needs the role `control`: 0x20 Key,
0x21 PointerMove, 0x22 PointerMoveRelative, 0x23 PointerButton, 0x24 Wheel, 0x25 Text.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Protocol, Self, TypeVar

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.geometry import Rect

PROTOCOL_VERSION = 1
MAX_VIEWER_MESSAGE_BYTES = 1 << 20
"""The largest message a gateway takes from a viewer (a clipboard text is the largest)."""
MAX_TEXT_BYTES = 4096
FRACTION_MAX = 65535


class CloseCode(IntEnum):
    """Why the gateway closed a WebSocket. From 4400 on, coming back by itself is of no use."""

    GOING_AWAY = 1001
    """The gateway stops; come back at once, there may be another."""
    TRY_LATER = 1013
    """Not now: too many viewers, or the gateway has only just begun; come back after a while."""
    FAILED = 1011
    """Something of this viewer's raised an error at the gateway; come back, after a while."""
    SLOW = 4000
    """The viewer did not read for too long; come back."""
    BAD_MESSAGE = 4400
    """The viewer broke the protocol."""
    UNAUTHORIZED = 4401
    """No token, or an expired one."""
    FORBIDDEN = 4403
    """The token does not allow this desk."""
    NO_SUCH_DESK = 4404
    """A desk of this name was never seen. (One that has gone is waited for.)"""
    REPLACED = 4409
    """The same viewer id connected again; this socket is superseded."""
    TOO_FAST = 4429
    """More messages a second than any person makes."""


def _exact(data: bytes | memoryview, layout: struct.Struct, kind: type) -> tuple[int, ...]:
    if len(data) != layout.size:
        raise ProtocolError(f"{kind.__name__}: {len(data)} bytes, wants {layout.size}")
    return layout.unpack(data)


@dataclass(frozen=True, slots=True)
class VideoUnit:
    """One unit of a stream: an H.264 access unit in Annex B, or a patch (see `protocol.patch`).

    0 u8 0x01 | 1 u8 flags, bit 0: IDR, bit 1: patch, bit 2: relaxed | 2 u16 width |
    4 u16 height | 6 u16 number of areas | 8 u32 epoch | 12 u32 sequence | 16 u64 captured_us |
    24 areas, each u16 x, y, width, height | payload

    Within an epoch sequences grow by one; a gap means that deltas and patches are of no use until
    the next IDR. A patch is painted over the picture of the unit before it; the H.264 decoder never
    sees it, and the next delta is of the whole picture as it is then. captured_us is strictly
    increasing within an epoch, in the gateway's clock. Width and height are of the visible picture,
    which the coded one exceeds by a row or column where odd; of a patch, they are the desk's, which
    a scaled rendition's picture is enlarged to. Relaxed: its Ack may wait a tenth of a second, or
    until that of a unit which is not; set by the gateway, for a viewer whose path has room.

    Areas, of a delta: where it shows something else than the unit before it, at most MAX_AREAS of
    them, in pixels of the picture. It is to be painted there, and where units between it and the
    last painted one were to be; what else differs is only how sharp it is. None: anywhere.
    """

    TYPE: ClassVar[int] = 0x01
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBHHHIIQ")
    FLAGS_AT: ClassVar[int] = 1
    RELAXED: ClassVar[int] = 4
    MAX_AREAS: ClassVar[int] = 8
    _AREA: ClassVar[struct.Struct] = struct.Struct("<HHHH")

    idr: bool
    width: int
    height: int
    epoch: int
    sequence: int
    captured_us: int
    payload: bytes | memoryview
    patch: bool = False
    relaxed: bool = False
    areas: tuple[Rect, ...] = ()

    def encode(self) -> bytes:
        """The message's bytes."""
        header = self.LAYOUT.pack(
            self.TYPE,
            self.idr | self.patch << 1 | self.relaxed << 2,
            self.width,
            self.height,
            len(self.areas),
            self.epoch,
            self.sequence,
            self.captured_us,
        )
        areas = (self._AREA.pack(*area) for area in self.areas)
        return b"".join((header, *areas, self.payload))

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes; the payload is a view of them. Raises ProtocolError."""
        if len(data) <= cls.LAYOUT.size:
            raise ProtocolError("VideoUnit: truncated")
        kind, flags, width, height, count, epoch, sequence, captured_us = cls.LAYOUT.unpack_from(
            data
        )
        what = flags & ~cls.RELAXED
        if kind != cls.TYPE or what > 2 or not width or not height:
            raise ProtocolError("VideoUnit: impossible header")
        payload_at = cls.LAYOUT.size + count * cls._AREA.size
        if count > cls.MAX_AREAS or (count and what):
            raise ProtocolError("VideoUnit: impossible areas")
        if len(data) <= payload_at:
            raise ProtocolError("VideoUnit: truncated")
        view = memoryview(data)
        areas = tuple(
            Rect(*area) for area in cls._AREA.iter_unpack(view[cls.LAYOUT.size : payload_at])
        )
        if any(not _lies_in(area, width, height) for area in areas):
            raise ProtocolError("VideoUnit: impossible areas")
        payload = view[payload_at:]
        return cls(
            what == 1,
            width,
            height,
            epoch,
            sequence,
            captured_us,
            payload,
            patch=what == 2,
            relaxed=flags != what,
            areas=areas,
        )


def _lies_in(area: Rect, width: int, height: int) -> bool:
    """Is there something of it, and all within the picture?"""
    across = 0 < area.width <= width - area.x
    return across and 0 < area.height <= height - area.y


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping: its id and viewer_us, and the gateway's clock.

    0 u8 0x02 | 1 3 x zero | 4 u32 id | 8 u64 viewer_us | 16 u64 gateway_us
    """

    TYPE: ClassVar[int] = 0x02
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<B3xIQQ")

    id: int
    viewer_us: int
    gateway_us: int

    def encode(self) -> bytes:
        """The message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.id, self.viewer_us, self.gateway_us)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        _, id_, viewer_us, gateway_us = _exact(data, cls.LAYOUT, cls)
        return cls(id_, viewer_us, gateway_us)


@dataclass(frozen=True, slots=True)
class PointerPosition:
    """Where the desk's pointer is now (somebody or something else may have moved it).

    0 u8 0x03 | 1 zero | 2 u16 x | 4 u16 y, fractions
    """

    TYPE: ClassVar[int] = 0x03
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BxHH")

    x: int
    y: int

    def encode(self) -> bytes:
        """The message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.x, self.y)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        _, x, y = _exact(data, cls.LAYOUT, cls)
        return cls(x, y)


@dataclass(frozen=True, slots=True)
class PointerShape:
    """What the desk's pointer looks like, as a PNG with alpha. An empty PNG: it is hidden.

    0 u8 0x04 | 1 zero | 2 u16 width | 4 u16 height | 6 u16 hotspot_x | 8 u16 hotspot_y |
    10 u16 zero | 12 PNG
    """

    TYPE: ClassVar[int] = 0x04
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BxHHHHxx")

    width: int
    height: int
    hotspot_x: int
    hotspot_y: int
    png: bytes

    def encode(self) -> bytes:
        """The message's bytes."""
        return (
            self.LAYOUT.pack(self.TYPE, self.width, self.height, self.hotspot_x, self.hotspot_y)
            + self.png
        )

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        if len(data) < cls.LAYOUT.size:
            raise ProtocolError("PointerShape: truncated")
        _, width, height, hotspot_x, hotspot_y = cls.LAYOUT.unpack_from(data)
        return cls(width, height, hotspot_x, hotspot_y, bytes(data[cls.LAYOUT.size :]))


@dataclass(frozen=True, slots=True)
class Ping:
    """Sent by the viewer to measure the round trip; answered at once by Pong.

    0 u8 0x10 | 1 zero | 2 u16 base_rtt_ms, 0: not known | 4 u32 id | 8 u64 viewer_us, the viewer's
    own clock. The base RTT is the least that the viewer has measured in the last minute.
    """

    TYPE: ClassVar[int] = 0x10
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BxHIQ")

    id: int
    viewer_us: int
    base_rtt_ms: int = 0

    def encode(self) -> bytes:
        """The message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.base_rtt_ms, self.id, self.viewer_us)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        _, base_rtt_ms, id_, viewer_us = _exact(data, cls.LAYOUT, cls)
        return cls(id_, viewer_us, base_rtt_ms)


@dataclass(frozen=True, slots=True)
class Ack:
    """The newest unit received, the newest painted (0: none), and how old that picture was.

    0 u8 0x11 | 1 zero | 2 u16 age_ms, 65535: not known | 4 u32 epoch | 8 u32 received |
    12 u32 painted
    """

    TYPE: ClassVar[int] = 0x11
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BxHIII")

    age_ms: int
    epoch: int
    received: int
    painted: int

    def encode(self) -> bytes:
        """The message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.age_ms, self.epoch, self.received, self.painted)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        return cls(*cls.fields(data))

    @classmethod
    def fields(cls, data: bytes | memoryview) -> tuple[int, int, int, int]:
        """The same without an object: the message that comes most. Raises ProtocolError."""
        return _exact(data, cls.LAYOUT, cls)[1:]  # type: ignore[return-value]  # as many


@dataclass(frozen=True, slots=True)
class Key:
    """A physical key went down or up. `usage` is its USB HID usage (page 7), see `protocol.keys`.

    0 u8 0x20 | 1 u8 flags, bit 0: down | 2 u16 usage
    """

    TYPE: ClassVar[int] = 0x20
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBH")

    down: bool
    usage: int

    def encode(self) -> bytes:
        """The message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.down, self.usage)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        _, flags, usage = _exact(data, cls.LAYOUT, cls)
        if flags > 1:
            raise ProtocolError("Key: unknown flags")
        return cls(bool(flags), usage)


@dataclass(frozen=True, slots=True)
class PointerMove:
    """The pointer is here now. Only the newest matters.

    0 u8 0x21 | 1 zero | 2 u16 x | 4 u16 y, fractions
    """

    TYPE: ClassVar[int] = 0x21
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BxHH")

    x: int
    y: int

    def encode(self) -> bytes:
        """The message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.x, self.y)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        _, x, y = _exact(data, cls.LAYOUT, cls)
        return cls(x, y)


@dataclass(frozen=True, slots=True)
class PointerMoveRelative:
    """The pointer moved by so many desk pixels (pointer lock). Never dropped, but may be summed.

    0 u8 0x22 | 1 zero | 2 i16 dx | 4 i16 dy
    """

    TYPE: ClassVar[int] = 0x22
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<Bxhh")

    dx: int
    dy: int

    def encode(self) -> bytes:
        """The message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.dx, self.dy)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        _, dx, dy = _exact(data, cls.LAYOUT, cls)
        return cls(dx, dy)


@dataclass(frozen=True, slots=True)
class PointerButton:
    """A button went down or up, here: the position precedes the click in one message.

    0 u8 0x23 | 1 u8 flags, bit 0: down, bit 1: x and y count | 2 u8 button | 3 zero |
    4 u16 x | 6 u16 y, fractions

    Buttons as in the DOM: 0 left, 1 middle, 2 right, 3 back, 4 forward.
    """

    TYPE: ClassVar[int] = 0x23
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBBxHH")

    down: bool
    button: int
    position: tuple[int, int] | None

    def encode(self) -> bytes:
        """The message's bytes."""
        flags = self.down | (self.position is not None) << 1
        return self.LAYOUT.pack(self.TYPE, flags, self.button, *(self.position or (0, 0)))

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        _, flags, button, x, y = _exact(data, cls.LAYOUT, cls)
        if flags > 3 or button > 4:
            raise ProtocolError("PointerButton: unknown flags or button")
        return cls(bool(flags & 1), button, (x, y) if flags & 2 else None)


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turned, here. In 1/120 of a notch; positive is right and down.

    0 u8 0x24 | 1 u8 flags, bit 1: x and y count | 2 i16 dx | 4 i16 dy | 6 u16 x | 8 u16 y
    """

    TYPE: ClassVar[int] = 0x24
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBhhHH")

    dx: int
    dy: int
    position: tuple[int, int] | None

    def encode(self) -> bytes:
        """The message's bytes."""
        flags = (self.position is not None) << 1
        return self.LAYOUT.pack(self.TYPE, flags, self.dx, self.dy, *(self.position or (0, 0)))

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        _, flags, dx, dy, x, y = _exact(data, cls.LAYOUT, cls)
        if flags not in (0, 2):
            raise ProtocolError("Wheel: unknown flags")
        return cls(dx, dy, (x, y) if flags else None)


@dataclass(frozen=True, slots=True)
class Text:
    """Text to be typed as it is (an input method, a phone). At most MAX_TEXT_BYTES.

    0 u8 0x25 | 1 UTF-8
    """

    TYPE: ClassVar[int] = 0x25

    text: str

    def encode(self) -> bytes:
        """The message's bytes."""
        return bytes((self.TYPE,)) + self.text.encode()

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """From bytes. Raises ProtocolError."""
        if not 1 < len(data) <= 1 + MAX_TEXT_BYTES:
            raise ProtocolError(f"Text: wants 1 to {MAX_TEXT_BYTES} bytes")
        try:
            return cls(bytes(data[1:]).decode())
        except UnicodeDecodeError:
            raise ProtocolError("Text: not UTF-8") from None


class _Message(Protocol):
    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self: ...


T = TypeVar("T", bound=_Message)
GatewayMessage = VideoUnit | Pong | PointerPosition | PointerShape
InputMessage = Key | PointerMove | PointerMoveRelative | PointerButton | Wheel | Text
ViewerMessage = Ping | Ack | InputMessage

_FROM_GATEWAY: dict[int, type[GatewayMessage]] = {
    kind.TYPE: kind for kind in (VideoUnit, Pong, PointerPosition, PointerShape)
}
_INPUT: dict[int, type[InputMessage]] = {
    kind.TYPE: kind for kind in (Key, PointerMove, PointerMoveRelative, PointerButton, Wheel, Text)
}
_FROM_VIEWER: dict[int, type[ViewerMessage]] = {Ping.TYPE: Ping, Ack.TYPE: Ack, **_INPUT}


def decode_from_gateway(data: bytes | memoryview) -> GatewayMessage:
    """Any message that a gateway sends. Raises ProtocolError."""
    return _decode(data, _FROM_GATEWAY)


def decode_from_viewer(data: bytes | memoryview) -> ViewerMessage:
    """Any message that a viewer sends. Raises ProtocolError."""
    return _decode(data, _FROM_VIEWER)


def decode_input(data: bytes | memoryview) -> InputMessage:
    """An input message, as capture gets it. Raises ProtocolError."""
    return _decode(data, _INPUT)


def _decode(data: bytes | memoryview, kinds: Mapping[int, type[T]]) -> T:
    if not len(data):
        raise ProtocolError("empty message")
    kind = kinds.get(data[0])
    if kind is None:
        raise ProtocolError(f"unknown message type 0x{data[0]:02x}")
    return kind.decode(data)
