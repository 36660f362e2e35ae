"""Raw frames on the bus: one single-part message a frame, topic in front, so that CONFLATE works.

Pure; owns and drops nothing. Little-endian.

    topic (ends with "/"), then
     0  u8   version of this header: 1
     1  u8   lane: 1 shm, 2 pixels
     2  u8   pixel format: 1 BGRX, 8 bits each
     3  u8   number of damage entries, newest first (at most 8)
     4  u16  bytes of this header, up to the damage entries
     6  u16  zero
     8  u32  width, pixels
    12  u32  height, pixels
    16  u32  stride, bytes a row
    20  i32  shm: SysV segment id           (pixels: 0)
    24  u64  instance of the source: sequence numbers of two instances do not compare
    32  u64  sequence, 1 and up; equal sequence, equal pixels
    40  u64  captured_us: when the pixels were grabbed, bus clock
    48  u64  current_us: the latest moment at which they were known to be still current
    56  u64  inputs: how many inputs had been injected when the picture was asked for
    64  u64  shm: nonce of the segment      (pixels: 0)
    72  u64  shm: generation of the slot    (pixels: 0)
    80  u64  shm: offset of the pixels      (pixels: 0)
    88  u32  shm: slot                      (pixels: 0)
    ..  what a later release appended; a reader passes over it
    damage entries: u16 count, then count x (u16 x, u16 y, u16 width, u16 height)
    pixels lane: height * stride bytes

Damage entry 0 holds what changed between sequence - 1 and sequence, entry 1 what changed between
sequence - 2 and sequence - 1, and so on. A consumer that last saw an older frame takes the whole
picture.

A later release may append fields to the header, which then has more header bytes. A change that an
old reader would misunderstand raises the version.
"""

import struct
from dataclasses import dataclass

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError
from fanlight_common.core.geometry import Rect
from fanlight_common.protocol.topics import Lane

VERSION = 1
MAX_DAMAGE_ENTRIES = 8
MAX_DAMAGE_RECTS = 16
"""If an entry has more rectangles, their bounding box replaces them."""
MAX_SIDE = 16384

_HEADER = struct.Struct("<BBBBHxxIIIiQQQQQQQQI")
_RECT = struct.Struct("<HHHH")
_COUNT = struct.Struct("<H")
_BGRX = 1
_LANES = {1: Lane.SHM, 2: Lane.PIXELS}
_LANE_NUMBERS = {lane: number for number, lane in _LANES.items()}


@dataclass(frozen=True, slots=True)
class SlotRef:
    """Where in shared memory the pixels lie. See `fanlight_common.bus.ring`."""

    segment: int
    slot: int
    nonce: int
    generation: int
    offset: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a desk, BGRX. Exactly one of `slot` (shm lane) and `pixels` is set.

    `inputs` counts the inputs of all viewers that the capture process had injected before it asked
    for the picture (see `bus.InputAck`).
    """

    width: int
    height: int
    stride: int
    instance: int
    sequence: int
    captured_us: int
    current_us: int
    damage: tuple[tuple[Rect, ...], ...]
    slot: SlotRef | None
    pixels: memoryview | None
    inputs: int = 0

    @property
    def size_bytes(self) -> int:
        """Bytes that the pixels take: height * stride."""
        return self.height * self.stride


def encode(topic: bytes, frame: Frame) -> bytes:
    """Return the single-part message of `frame` under `topic`."""
    slot = frame.slot
    lane = Lane.PIXELS if slot is None else Lane.SHM
    ref = slot or SlotRef(0, 0, 0, 0, 0)
    header = _HEADER.pack(
        VERSION,
        _LANE_NUMBERS[lane],
        _BGRX,
        len(frame.damage),
        _HEADER.size,
        frame.width,
        frame.height,
        frame.stride,
        ref.segment,
        frame.instance,
        frame.sequence,
        frame.captured_us,
        frame.current_us,
        frame.inputs,
        ref.nonce,
        ref.generation,
        ref.offset,
        ref.slot,
    )
    damage = b"".join(
        _COUNT.pack(len(entry)) + b"".join([_RECT.pack(*rect) for rect in entry])
        for entry in frame.damage
    )
    return b"".join((topic, header, damage, frame.pixels or b""))


def decode(data: bytes, topic: bytes) -> Frame:
    """Return the frame in a message that came under `topic`.

    Raises NotUnderstoodError if the header has another version, and ProtocolError if the data is
    not a frame.
    """
    if not data.startswith(topic):
        raise ProtocolError("frame: another topic")
    view = memoryview(data)[len(topic) :]
    if len(view) and view[0] != VERSION:
        raise NotUnderstoodError(
            f"frame of version {view[0]}, this release reads {VERSION}", "Frame", view[0], VERSION
        )
    if len(view) < _HEADER.size:
        raise ProtocolError("frame: truncated header")
    (
        _,
        lane_number,
        pixel_format,
        entries,
        header_bytes,
        width,
        height,
        stride,
        segment,
        instance,
        sequence,
        captured_us,
        current_us,
        inputs,
        nonce,
        generation,
        offset,
        slot,
    ) = _HEADER.unpack_from(view)
    if header_bytes < _HEADER.size or header_bytes > len(view):
        raise ProtocolError(f"frame: impossible header of {header_bytes} bytes")
    if lane_number not in _LANES or pixel_format != _BGRX or entries > MAX_DAMAGE_ENTRIES:
        raise ProtocolError("frame: unknown lane, pixel format or too much damage")
    size_fits = 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE
    if not (size_fits and 4 * width <= stride <= 8 * MAX_SIDE):
        raise ProtocolError(f"frame: impossible size {width}x{height}, stride {stride}")
    damage, position = _decode_damage(view, entries, header_bytes)
    ref, pixels = None, None
    if _LANES[lane_number] is Lane.SHM:
        ref = SlotRef(segment, slot, nonce, generation, offset)
    else:
        pixels = view[position:]
        position += height * stride
    if position != len(view):
        raise ProtocolError("frame: length does not fit its size")
    return Frame(
        width,
        height,
        stride,
        instance,
        sequence,
        captured_us,
        current_us,
        damage,
        ref,
        pixels,
        inputs,
    )


def _decode_damage(
    view: memoryview, entries: int, position: int
) -> tuple[tuple[tuple[Rect, ...], ...], int]:
    """Return the damage entries that begin at `position`, and where they end."""
    damage = []
    for _ in range(entries):
        if position + _COUNT.size > len(view):
            raise ProtocolError("frame: truncated damage")
        (count,) = _COUNT.unpack_from(view, position)
        position += _COUNT.size
        end = position + count * _RECT.size
        if count > MAX_DAMAGE_RECTS or end > len(view):
            raise ProtocolError("frame: truncated damage")
        damage.append(tuple(map(Rect._make, _RECT.iter_unpack(view[position:end]))))
        position = end
    return tuple(damage), position


def damage_since(frame: Frame, sequence: int) -> tuple[Rect, ...] | None:
    """Return what changed from `sequence` (same instance) to `frame`. None means all of it."""
    behind = frame.sequence - sequence
    if not 0 <= behind <= len(frame.damage):
        return None
    return tuple(rect for entry in frame.damage[:behind] for rect in entry)
