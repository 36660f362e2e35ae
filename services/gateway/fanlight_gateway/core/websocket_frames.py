"""Makes the WebSocket frames that a server sends, and reads the shortest that it receives. Pure.

Frames are made here and not by the library, because a unit is framed once for all its viewers. A
short binary message in one frame is read here, too. Acknowledgements and pings are such messages:
with hundreds of viewers there are many of them, and each would cost as much in the library as
sending a unit. Only the WebSocket transport may import this module; an import contract checks that.
"""

from collections.abc import Iterator

_BINARY, _TEXT = b"\x82", b"\x81"
"""A whole message in one frame: RFC 6455, 5.2."""
_TWO_BYTES, _EIGHT_BYTES = 126, 127
_MASKED = 0x80
_FINAL = 0x80
_CONTROL = 0x08
HEADER_BYTES = 6
"""Bytes before the payload of a short message from a client: two, and its mask."""


def framed(message: bytes | str) -> bytes:
    """Return a message as a server sends it: in one frame, not masked."""
    kind, data = (_BINARY, message) if isinstance(message, bytes) else (_TEXT, message.encode())
    size = len(data)
    if size < _TWO_BYTES:
        return kind + size.to_bytes() + data
    if size < 1 << 16:
        return kind + _TWO_BYTES.to_bytes() + size.to_bytes(2) + data
    return kind + _EIGHT_BYTES.to_bytes() + size.to_bytes(8) + data


def is_short(data: bytes) -> bool:
    """Is this a whole message of a client in one binary frame, of at most 125 bytes?"""
    size = len(data) - HEADER_BYTES
    return 0 <= size < _TWO_BYTES and data[0] == _BINARY[0] and data[1] == _MASKED | size


class Splitter:
    """Cuts the bytes that a client sends where frames end. The library validates the frames.

    Keeps the beginning of a frame's header until the header is whole. All other bytes are given out
    at once.
    """

    def __init__(self) -> None:
        self._is_fragmented = False
        """Has a message begun, and its last frame not come yet?"""
        self.is_between = True
        """Will the next byte begin a message?"""
        self._rest = b""
        self._owed = 0
        """How many bytes are still to come of a frame whose beginning was given out."""

    def split(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield the pieces of what came, each of one frame, and whether a piece is a short
        message."""
        data, self._rest = self._rest + data, b""
        at = 0
        while at < len(data):
            short = False
            if self._owed:
                size = min(self._owed, len(data) - at)
                self._owed -= size
            else:
                whole = _frame_bytes(data, at)
                if whole is None:
                    self._rest = data[at:]
                    break
                size = min(whole, len(data) - at)
                self._owed = whole - size
                short = not self._is_fragmented and is_short(data[at : at + size])
                if not data[at] & _CONTROL:
                    self._is_fragmented = not data[at] & _FINAL
            yield data[at : at + size], short
            at += size
        self.is_between = not (self._owed or self._rest or self._is_fragmented)


def _frame_bytes(data: bytes, at: int) -> int | None:
    """Return the size of the frame that begins at `at`. None if its header is not whole yet."""
    if len(data) - at < 2:
        return None
    size = data[at + 1] & ~_MASKED
    length_bytes = {_TWO_BYTES: 2, _EIGHT_BYTES: 8}.get(size, 0)
    header = 2 + length_bytes + (4 if data[at + 1] & _MASKED else 0)
    if len(data) - at < header:
        return None
    if length_bytes:
        size = int.from_bytes(data[at + 2 : at + 2 + length_bytes])
    return header + size
