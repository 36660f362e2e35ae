"""A service of a release that does not exist yet: `next_release.py fanlight_encoder` runs it.

It is the present code, but Heartbeat, LeaseRecord, StreamDemand, Input, the headers of a frame and
of a unit, Pong and Welcome have one more field, as docs/decisions/0023 allows a release to add it.
It reads that field from messages that have it, and takes its default for others. If a field has any
other value than the one that it writes, the process ends.
"""

import json
import runpy
import struct
import sys
from dataclasses import field, make_dataclass
from typing import Any

from fanlight_common.protocol import binary, bus, control, frames

FIELD = "of_the_next_release"
VALUE = "new"
MARK = struct.pack("<Q", 0x1234_5678_9ABC_DEF0)
FRAME_HEADER_BYTES = 92
UNIT_HEADER_BYTES = 28


def with_a_field(kind: Any) -> Any:
    """Return `kind` with one more field at the end, which is "" if the sender left it out."""

    def check(self: Any) -> None:
        assert getattr(self, FIELD) in ("", VALUE)

    later: Any = make_dataclass(
        kind.__name__,
        [(FIELD, str, field(default="", compare=False))],
        bases=(kind,),
        namespace={"__post_init__": check, "__module__": kind.__module__},
        frozen=True,
    )
    return later


def frame_with_a_field(data: bytes, topic: bytes) -> bytes:
    """Return a frame's message with eight more bytes at the end of its header."""
    end = len(topic) + FRAME_HEADER_BYTES
    head = bytearray(data[:end])
    struct.pack_into("<H", head, len(topic) + 4, FRAME_HEADER_BYTES + len(MARK))
    return bytes(head) + MARK + data[end:]


def unit_with_a_field(data: bytes) -> bytes:
    """Return a unit with eight more bytes at the end of its header."""
    head = bytearray(data[:UNIT_HEADER_BYTES])
    head[3] += len(MARK) // 4
    return bytes(head) + MARK + data[UNIT_HEADER_BYTES:]


def become() -> None:
    """Change the protocol's modules in place.

    This has to run before a service is imported, because services bind the modules' names.
    """
    for name in ("Heartbeat", "LeaseRecord", "StreamDemand", "Input"):
        setattr(bus, name, with_a_field(getattr(bus, name)))
    _write_the_field()
    _change_frames()
    _change_units()
    _change_viewer_messages()


def _write_the_field() -> None:
    encode = bus.encode

    def later(message: Any) -> bytes:
        if hasattr(message, FIELD):
            object.__setattr__(message, FIELD, VALUE)
        return encode(message)

    bus.encode = later


def _change_frames() -> None:
    encode, decode = frames.encode, frames.decode

    def later_encode(topic: bytes, frame: frames.Frame) -> bytes:
        return frame_with_a_field(encode(topic, frame), topic)

    def later_decode(data: bytes, topic: bytes) -> frames.Frame:
        frame = decode(data, topic)
        (header_bytes,) = struct.unpack_from("<H", data, len(topic) + 4)
        found = data[len(topic) + FRAME_HEADER_BYTES : len(topic) + header_bytes]
        assert found in (b"", MARK), found
        return frame

    frames.encode, frames.decode = later_encode, later_decode


def _change_units() -> None:
    unit: Any = binary.VideoUnit
    encode, decode = unit.encode, unit.decode

    def later_decode(data: bytes | memoryview) -> binary.VideoUnit:
        decoded: binary.VideoUnit = decode(data)
        found = bytes(data[UNIT_HEADER_BYTES : 4 * data[3]])
        assert found in (b"", MARK), found
        return decoded

    unit.encode = lambda self: unit_with_a_field(encode(self))
    unit.decode = staticmethod(later_decode)


def _change_viewer_messages() -> None:
    pong: Any = binary.Pong
    encode_pong = pong.encode
    pong.encode = lambda self: encode_pong(self) + MARK
    welcome: Any = control.Welcome
    encode_welcome = welcome.encode

    def later_welcome(self: control.Welcome) -> str:
        message = json.loads(encode_welcome(self))
        message["welcome"][FIELD] = VALUE
        return json.dumps(message)

    welcome.encode = later_welcome


if __name__ == "__main__":
    become()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
