"""Messages of a viewer and its gateway as the body of a plain HTTP request or answer.

Pure; owns and drops nothing. If no WebSocket gets through, the same messages travel in batches, one
message behind the other:

    u32 length | u8 kind, 1: binary, 2: text | length bytes

The number of a batch's first message is in the URL or a header (see docs/protocol.md).
`web/protocol/batches.js` is the same in JavaScript; tests/vectors/batches.json holds the two
together.
"""

import struct
from collections.abc import Iterable

from fanlight_common.core.errors import ProtocolError

_HEAD = struct.Struct("<IB")
_BINARY, _TEXT = 1, 2


def encode(messages: Iterable[bytes | str]) -> bytes:
    """Return the body that holds these messages, in their order."""
    parts: list[bytes] = []
    for message in messages:
        data = message.encode() if isinstance(message, str) else message
        kind = _TEXT if isinstance(message, str) else _BINARY
        parts += (_HEAD.pack(len(data), kind), data)
    return b"".join(parts)


def decode(body: bytes) -> list[bytes | str]:
    """Return the messages in a body, in their order. Raises ProtocolError if the body is cut."""
    messages: list[bytes | str] = []
    at = 0
    while at < len(body):
        if at + _HEAD.size > len(body):
            raise ProtocolError("batch: truncated")
        length, kind = _HEAD.unpack_from(body, at)
        at += _HEAD.size
        if length > len(body) - at:
            raise ProtocolError("batch: truncated")
        data = body[at : at + length]
        at += length
        if kind == _BINARY:
            messages.append(data)
        elif kind == _TEXT:
            try:
                messages.append(data.decode())
            except UnicodeDecodeError:
                raise ProtocolError("batch: a text that is not UTF-8") from None
        else:
            raise ProtocolError(f"batch: unknown kind {kind}")
    return messages
