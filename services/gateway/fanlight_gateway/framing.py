"""WebSocket frames as a server sends them. Pure.

Made here rather than by the library because a unit is framed once for all who get it.
"""

_BINARY, _TEXT = b"\x82", b"\x81"
"""A whole message in one frame: RFC 6455, 5.2."""
_TWO_BYTES, _EIGHT_BYTES = 126, 127


def framed(message: bytes | str) -> bytes:
    """A message as a server sends it: one frame, not masked."""
    kind, data = (_BINARY, message) if isinstance(message, bytes) else (_TEXT, message.encode())
    size = len(data)
    if size < _TWO_BYTES:
        return kind + size.to_bytes() + data
    if size < 1 << 16:
        return kind + _TWO_BYTES.to_bytes() + size.to_bytes(2) + data
    return kind + _EIGHT_BYTES.to_bytes() + size.to_bytes(8) + data
