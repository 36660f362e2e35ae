"""Binary messages of a fixed layout: what of them is read, and what is passed over.

Pure. A later release may append fields to a message of fixed size. So a reader takes the bytes that
it knows, and passes over at most those that follow up to MAX_FIXED_BYTES.
"""

import struct
from collections.abc import Mapping
from typing import Any, Protocol, Self, TypeVar

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError

MAX_FIXED_BYTES = 125
"""No message of fixed size is larger, in this release or a later one: a WebSocket frame of so much
has the shortest header, which the gateway reads by itself."""


class _Decodable(Protocol):
    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self: ...


T = TypeVar("T", bound=_Decodable)


def fixed(data: bytes | memoryview, layout: struct.Struct, name: str) -> tuple[Any, ...]:
    """The fields of `layout` at the begin of `data`. Raises ProtocolError, which says `name`."""
    if not layout.size <= len(data) <= MAX_FIXED_BYTES:
        raise ProtocolError(f"{name}: {len(data)} bytes, wants {layout.size} to {MAX_FIXED_BYTES}")
    return layout.unpack_from(data)


def by_type(data: bytes | memoryview, kinds: Mapping[int, type[T]]) -> T:
    """The message in `data`, of the kind that its first byte names.

    Raises NotUnderstoodError for a kind that is not in `kinds`, ProtocolError for what is none.
    """
    if not len(data):
        raise ProtocolError("empty message")
    kind = kinds.get(data[0])
    if kind is None:
        what = f"type 0x{data[0]:02x}"
        raise NotUnderstoodError(f"unknown message {what}", what, None, None)
    return kind.decode(data)
