"""Patches: operations that turn one picture of a desk into a newer one. Few changes take few bytes.

Pure; owns and drops nothing. Little-endian. The operations stand one behind the other, in the order
in which they are done. Positions and sizes are pixels of the desk, whatever the scale of the
stream's video.

    COPY   0 u8 1 | 1 u8 0 | 2 u16 x | 4 u16 y | 6 u16 width | 8 u16 height |
           10 u16 from_x | 12 u16 from_y
    IMAGE  0 u8 2 | 1 u8 format | 2 u16 x | 4 u16 y | 6 u16 width | 8 u16 height |
           10 u32 length | 14 length bytes of an image file

A COPY takes its pixels from the picture as the operations before it have left it. Its source and
its target may overlap. An IMAGE may have fewer pixels than its rectangle, and is enlarged to fill
it. A patch replaces the pixels that were there, without transparency. `web/protocol/patch.js`
decodes the same bytes, and tests/vectors/patch.json holds the two together.

A patch has no version of its own: the unit around it has one, and over HTTP the media type would
change. An operation of another kind needs a stream kind of another name, because a viewer that does
not know the operation cannot pass over it and keep the right picture.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.geometry import Rect

MEDIA_TYPE = "application/vnd.fanlight.patch"
MAX_OPERATIONS = 4096

_COPY = struct.Struct("<BxHHHHHH")
_IMAGE = struct.Struct("<BBHHHHI")
_COPY_TYPE = 1
_IMAGE_TYPE = 2


class ImageFormat(IntEnum):
    """How an IMAGE is encoded."""

    PNG = 1
    JPEG = 2
    WEBP = 3


@dataclass(frozen=True, slots=True)
class Copy:
    """Pixels that the picture already has in another place, as after scrolling."""

    x: int
    y: int
    width: int
    height: int
    from_x: int
    from_y: int

    @property
    def source(self) -> Rect:
        """Where the pixels are taken from."""
        return Rect(self.from_x, self.from_y, self.width, self.height)

    @property
    def target(self) -> Rect:
        """Where they are put."""
        return Rect(self.x, self.y, self.width, self.height)

    def encode(self) -> bytes:
        """Return the operation's bytes."""
        return _COPY.pack(
            _COPY_TYPE, self.x, self.y, self.width, self.height, self.from_x, self.from_y
        )


@dataclass(frozen=True, slots=True)
class Image:
    """New pixels for a rectangle."""

    x: int
    y: int
    width: int
    height: int
    format: ImageFormat
    data: bytes | memoryview

    def encode(self) -> bytes:
        """Return the operation's bytes."""
        header = _IMAGE.pack(
            _IMAGE_TYPE, self.format, self.x, self.y, self.width, self.height, len(self.data)
        )
        return b"".join((header, self.data))


Operation = Copy | Image


def encode(operations: Iterable[Operation]) -> bytes:
    """Return the patch's bytes."""
    return b"".join(operation.encode() for operation in operations)


def decode(data: bytes | memoryview) -> tuple[Operation, ...]:
    """Return the operations of a patch; images are views of `data`. Raises ProtocolError."""
    view = memoryview(data)
    operations: list[Operation] = []
    position = 0
    while position < len(view):
        if len(operations) >= MAX_OPERATIONS:
            raise ProtocolError("patch: too many operations")
        kind = view[position]
        layout = {_COPY_TYPE: _COPY, _IMAGE_TYPE: _IMAGE}.get(kind)
        if layout is None:
            raise ProtocolError(f"patch: unknown operation {kind}")
        if position + layout.size > len(view):
            raise ProtocolError("patch: truncated")
        fields = layout.unpack_from(view, position)[1:]
        position += layout.size
        if kind == _COPY_TYPE:
            x, y, width, height, from_x, from_y = fields
            operations.append(Copy(x, y, width, height, from_x, from_y))
        else:
            format_, x, y, width, height, length = fields
            if format_ not in tuple(ImageFormat) or position + length > len(view) or not length:
                raise ProtocolError("patch: not an image")
            image = view[position : position + length]
            operations.append(Image(x, y, width, height, ImageFormat(format_), image))
            position += length
        if not width or not height:
            raise ProtocolError("patch: an empty rectangle")
    if not operations:
        raise ProtocolError("patch: empty")
    return tuple(operations)
