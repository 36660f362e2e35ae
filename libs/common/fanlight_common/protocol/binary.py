"""Binary messages between viewer and gateway, except input: the hot path of the WebSocket.

Pure; owns and drops nothing. Little-endian, a type byte in front. `web/protocol/binary.js` is the
same in JavaScript; the vectors in tests/vectors/binary.json hold the two together. Pointer
positions are fractions of the desk, as in `protocol.input`. Stamps are microseconds in 64 bits;
`base_rtt_ms` and `age_ms` are milliseconds, so that 16 bits hold them, and a reader turns them into
seconds.

Gateway to viewer: 0x01 VideoUnit, 0x02 Pong, 0x03 PointerPosition, 0x04 PointerShape.
Viewer to gateway: 0x10 Ping, 0x11 Ack, and input (0x20 to 0x25, see `protocol.input`).

Two releases: `Welcome` and `Hello` carry PROTOCOL_VERSION, which is the version of every message
here except VideoUnit. A VideoUnit carries a version of its own, because encoders write it. A later
release may append bytes to a message of fixed size; a reader passes over the bytes that it does not
know.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Self

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
from fanlight_common.core.geometry import Rect
from fanlight_common.core.names import CodecName, StreamKind
from fanlight_common.protocol.input import INPUT_KINDS, InputMessage
from fanlight_common.protocol.layouts import decode_by_type, unpack_fixed

PROTOCOL_VERSION = 2
"""The version of what viewer and gateway say to each other. If theirs differ they do not talk: the
viewer tells its person that the page is outdated."""
MAX_VIEWER_MESSAGE_BYTES = 1 << 20
"""The largest message that a gateway takes from a viewer. A clipboard text is the largest."""

_CODECS = {1: CodecName.H264}
_CODEC_NUMBERS = {codec: number for number, codec in _CODECS.items()}
_KINDS = {1: StreamKind.SCREEN}
_KIND_NUMBERS = {kind: number for number, kind in _KINDS.items()}


class CloseCode(IntEnum):
    """Why the gateway closed a WebSocket. From 4400 on it is no use to come back by itself."""

    GOING_AWAY = 1001
    """The gateway stops. Come back at once, there may be another gateway."""
    TRY_LATER = 1013
    """There are too many viewers, or the gateway has only just begun. Come back after a while."""
    FAILED = 1011
    """The gateway's work for this viewer raised an error. Come back after a while."""
    SLOW = 4000
    """The viewer did not read for too long. Come back."""
    BAD_MESSAGE = 4400
    """The viewer broke the protocol."""
    UNAUTHORIZED = 4401
    """No token, or an expired one."""
    FORBIDDEN = 4403
    """The token does not allow this desk."""
    NO_SUCH_DESK = 4404
    """A desk of this name was never seen. (The gateway waits for a desk that has gone.)"""
    REPLACED = 4409
    """The same viewer id connected again, and that connection replaces this one."""
    TOO_FAST = 4429
    """The viewer sent more messages a second than any person makes."""


@dataclass(frozen=True, slots=True)
class VideoUnit:
    """One unit of a stream: an access unit of its codec, or a patch (see `protocol.patch`).

    0 u8 0x01 | 1 u8 flags, bit 0: IDR, bit 1: patch, bit 2: relaxed | 2 u8 version: 1 |
    3 u8 bytes of this header up to the areas, in units of 4 | 4 u8 stream kind, 1: screen |
    5 u8 codec, 1: H.264 in Annex B | 6 u8 number of areas | 7 u8 zero | 8 u32 epoch |
    12 u32 sequence | 16 u64 captured_us | 24 u16 width | 26 u16 height |
    28 what a later release appended, which a reader passes over | areas, each
    u16 x, y, width, height | payload

    Within an epoch sequences grow by one. After a gap, deltas and patches are of no use until the
    next IDR. A patch is painted over the picture of the unit before it. The decoder never sees a
    patch, and the next delta encodes the whole picture as it is then. captured_us grows strictly
    within an epoch; encoders stamp it in the bus clock. Width and height are those of the visible
    picture; if one is odd, the coded picture has a row or column more. The width and height of a
    patch are the desk's, and the picture of a smaller rendition is enlarged to them. The Ack of a
    relaxed unit may wait a tenth of a second, or until the Ack of a unit that is not relaxed. The
    gateway sets this flag for a viewer whose path has room. A reader passes over flags that it does
    not know.

    Only a delta has areas, at most MAX_AREAS, in pixels of the picture. It differs from the unit
    before it in these areas; elsewhere only sharpness differs. The viewer paints a delta in its
    areas, and in those of the units between it and the last painted one. A delta without areas may
    differ anywhere.
    """

    TYPE: ClassVar[int] = 0x01
    VERSION: ClassVar[int] = 1
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BBBBBBBxIIQHH")
    FLAGS_AT: ClassVar[int] = 1
    RELAXED: ClassVar[int] = 4
    MAX_AREAS: ClassVar[int] = 8
    _AREA: ClassVar[struct.Struct] = struct.Struct("<HHHH")
    _VERSION_AT: ClassVar[int] = 2
    _WORD_BYTES: ClassVar[int] = 4

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
    kind: StreamKind = StreamKind.SCREEN
    codec: CodecName = CodecName.H264

    def encode(self) -> bytes:
        """Return the message's bytes."""
        header = self.LAYOUT.pack(
            self.TYPE,
            self.idr | self.patch << 1 | self.relaxed << 2,
            self.VERSION,
            self.LAYOUT.size // self._WORD_BYTES,
            _KIND_NUMBERS[self.kind],
            _CODEC_NUMBERS[self.codec],
            len(self.areas),
            self.epoch,
            self.sequence,
            self.captured_us,
            self.width,
            self.height,
        )
        if not self.areas:
            return b"".join((header, self.payload))
        pack = self._AREA.pack
        return b"".join([header, *[pack(*area) for area in self.areas], self.payload])

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a unit. Its payload is a view of `data`.

        Raises NotUnderstoodError for another version, stream kind or codec, and ProtocolError if
        `data` is no unit.
        """
        if len(data) > cls._VERSION_AT and data[cls._VERSION_AT] != cls.VERSION:
            version = data[cls._VERSION_AT]
            raise NotUnderstoodError(
                f"VideoUnit of version {version}, this release reads {cls.VERSION}",
                "VideoUnit",
                version,
                cls.VERSION,
            )
        if len(data) <= cls.LAYOUT.size:
            raise ProtocolError("VideoUnit: truncated")
        (
            type_,
            flags,
            _,
            words,
            kind,
            codec,
            count,
            epoch,
            sequence,
            captured_us,
            width,
            height,
        ) = cls.LAYOUT.unpack_from(data)
        what = flags & 3
        areas_at = words * cls._WORD_BYTES
        payload_at = areas_at + count * cls._AREA.size
        if type_ != cls.TYPE or what == 3 or areas_at < cls.LAYOUT.size:
            raise ProtocolError("VideoUnit: impossible header")
        if kind not in _KINDS or codec not in _CODECS:
            unknown = f"stream kind {kind}" if kind not in _KINDS else f"codec {codec}"
            raise NotUnderstoodError(f"VideoUnit: unknown {unknown}", unknown, cls.VERSION, None)
        if not width or not height:
            raise ProtocolError("VideoUnit: impossible header")
        if count > cls.MAX_AREAS or (count and what):
            raise ProtocolError("VideoUnit: impossible areas")
        if len(data) <= payload_at:
            raise ProtocolError("VideoUnit: truncated")
        view = memoryview(data)
        areas: tuple[Rect, ...] = ()
        if count:
            areas = tuple(map(Rect._make, cls._AREA.iter_unpack(view[areas_at:payload_at])))
            if any(not _lies_in(area, width, height) for area in areas):
                raise ProtocolError("VideoUnit: impossible areas")
        return cls(
            what == 1,
            width,
            height,
            epoch,
            sequence,
            captured_us,
            view[payload_at:],
            what == 2,
            flags & cls.RELAXED != 0,
            areas,
            _KINDS[kind],
            _CODECS[codec],
        )


def _lies_in(area: Rect, width: int, height: int) -> bool:
    """Is the area not empty, and does all of it lie within the picture?"""
    across = 0 < area.width <= width - area.x
    return across and 0 < area.height <= height - area.y


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping: its id and viewer_us, and the time on the gateway's clock.

    0 u8 0x02 | 1 3 x zero | 4 u32 id | 8 u64 viewer_us | 16 u64 gateway_us
    """

    TYPE: ClassVar[int] = 0x02
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<B3xIQQ")

    id: int
    viewer_us: int
    gateway_us: int

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.id, self.viewer_us, self.gateway_us)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        _, id_, viewer_us, gateway_us = unpack_fixed(data, cls.LAYOUT, cls.__name__)
        return cls(id_, viewer_us, gateway_us)


@dataclass(frozen=True, slots=True)
class PointerPosition:
    """Where the desk's pointer is now. Another viewer or a program may have moved it.

    0 u8 0x03 | 1 zero | 2 u16 x | 4 u16 y, fractions
    """

    TYPE: ClassVar[int] = 0x03
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
class PointerShape:
    """What the desk's pointer looks like, as a PNG with alpha. The PNG of a hidden one is empty.

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
        """Return the message's bytes."""
        return (
            self.LAYOUT.pack(self.TYPE, self.width, self.height, self.hotspot_x, self.hotspot_y)
            + self.png
        )

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        if len(data) < cls.LAYOUT.size:
            raise ProtocolError("PointerShape: truncated")
        _, width, height, hotspot_x, hotspot_y = cls.LAYOUT.unpack_from(data)
        return cls(width, height, hotspot_x, hotspot_y, bytes(data[cls.LAYOUT.size :]))


@dataclass(frozen=True, slots=True)
class Ping:
    """A viewer measures the round trip by this. The gateway answers at once by Pong.

    0 u8 0x10 | 1 zero | 2 u16 base_rtt_ms, 0: not known | 4 u32 id | 8 u64 viewer_us, the viewer's
    own clock. The base RTT is the least that the viewer has measured in the last minute.
    """

    TYPE: ClassVar[int] = 0x10
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BxHIQ")

    id: int
    viewer_us: int
    base_rtt_ms: int = 0

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.base_rtt_ms, self.id, self.viewer_us)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        _, base_rtt_ms, id_, viewer_us = unpack_fixed(data, cls.LAYOUT, cls.__name__)
        return cls(id_, viewer_us, base_rtt_ms)


@dataclass(frozen=True, slots=True)
class Ack:
    """The newest unit received, the newest painted (0: none), and how old that picture was.

    0 u8 0x11 | 1 zero | 2 u16 age_ms, AGE_UNKNOWN_MS if not known | 4 u32 epoch | 8 u32 received |
    12 u32 painted
    """

    TYPE: ClassVar[int] = 0x11
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("<BxHIII")
    AGE_UNKNOWN_MS: ClassVar[int] = 65_535

    age_ms: int
    epoch: int
    received: int
    painted: int

    def encode(self) -> bytes:
        """Return the message's bytes."""
        return self.LAYOUT.pack(self.TYPE, self.age_ms, self.epoch, self.received, self.painted)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """Decode a message. Raises ProtocolError."""
        return cls(*cls.fields(data))

    @classmethod
    def fields(cls, data: bytes | memoryview) -> tuple[int, int, int, int]:
        """Decode without making an object, because this message is the most frequent one.

        Raises ProtocolError.
        """
        return unpack_fixed(data, cls.LAYOUT, "Ack")[1:]


GatewayMessage = VideoUnit | Pong | PointerPosition | PointerShape
ViewerMessage = Ping | Ack | InputMessage

FROM_GATEWAY: Mapping[int, type[GatewayMessage]] = {
    kind.TYPE: kind for kind in (VideoUnit, Pong, PointerPosition, PointerShape)
}
FROM_VIEWER: Mapping[int, type[ViewerMessage]] = {Ping.TYPE: Ping, Ack.TYPE: Ack, **INPUT_KINDS}


def decode_from_gateway(data: bytes | memoryview) -> GatewayMessage:
    """Decode any message that a gateway sends. Raises ProtocolError."""
    return decode_by_type(data, FROM_GATEWAY)


def decode_from_viewer(data: bytes | memoryview) -> ViewerMessage:
    """Decode any message that a viewer sends. Raises ProtocolError."""
    return decode_by_type(data, FROM_VIEWER)
