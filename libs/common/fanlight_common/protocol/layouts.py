"""Binary messages of a fixed layout: which bytes are read and which are ignored.

Pure; may be called on any thread, and owns nothing. A later release may append fields to a message
of fixed size. Therefore a reader takes the bytes that it knows and drops the bytes after them. A
message above MAX_FIXED_BYTES is refused.
"""

import struct
from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError

MAX_FIXED_BYTES = 125
"""No message of fixed size is larger, in this release or a later one. It is 125, because up to that
size a WebSocket frame has the shortest header, which the gateway reads by itself."""


class _Decodable(Protocol):
    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self: ...


T = TypeVar("T", bound=_Decodable)


def unpack_fixed(data: bytes | memoryview, layout: struct.Struct, name: str) -> tuple[Any, ...]:
    """Return the fields of `layout` at the beginning of `data`.

    Raises ProtocolError if `data` has too few bytes or too many. The error's text contains `name`.
    """
    if not layout.size <= len(data) <= MAX_FIXED_BYTES:
        raise ProtocolError(f"{name}: {len(data)} bytes, wants {layout.size} to {MAX_FIXED_BYTES}")
    return layout.unpack_from(data)


def decode_by_type(data: bytes | memoryview, kinds: Mapping[int, type[T]]) -> T:
    """Return the message in `data`. Its first byte names its kind.

    Raises NotUnderstoodError for a kind that is not in `kinds`, and ProtocolError if `data` is
    empty or not a valid message of its kind.
    """
    if not len(data):
        raise ProtocolError("empty message")
    kind = kinds.get(data[0])
    if kind is None:
        what = f"type 0x{data[0]:02x}"
        raise NotUnderstoodError(f"unknown message {what}", what, None, None)
    return kind.decode(data)
