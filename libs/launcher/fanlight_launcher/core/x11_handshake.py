"""The first exchange of the X11 protocol, and the Xauthority entries that it shows.

Pure: functions without state. They do as much of both as a display on this machine needs:
little-endian, MIT-MAGIC-COOKIE-1.

    request     byte order "l", pad, major 11 (u16), minor 0 (u16), length of name (u16),
                length of cookie (u16), pad (2), name, cookie; both filled up to four bytes
    answer      success (u8), length of reason (u8), major (u16), minor (u16), length (u16), ...
                success 0: the reason follows
    Xauthority  entries of family (u16), address, display number, name, cookie; big-endian, each
                text with its length (u16) before it
"""

import struct

ANSWER_HEAD_BYTES = 8
_COOKIE_NAME = b"MIT-MAGIC-COOKIE-1"
_FAMILY_LOCAL = 256
"""The address is the host's name."""
_FAMILY_WILD = 0xFFFF
"""The entry is good for every address."""
_REFUSED = 0


def encode_request(cookie: bytes) -> bytes:
    """Return the request that opens a connection. If `cookie` is empty, it shows none."""
    name = _COOKIE_NAME if cookie else b""
    request = struct.pack("<cxHHHHxx", b"l", 11, 0, len(name), len(cookie))
    return request + b"".join(text + bytes(-len(text) % 4) for text in (name, cookie))


def reason_bytes(head: bytes) -> int:
    """Return how many bytes of a reason follow the head of a refusal, -1 if we are let in."""
    return head[1] if head[0] == _REFUSED else -1


def encode_cookie(cookie: bytes) -> bytes:
    """Return an Xauthority entry that is good for every host and display number."""
    entry = struct.pack(">H", _FAMILY_WILD)
    for text in (b"", b"", _COOKIE_NAME, cookie):
        entry += struct.pack(">H", len(text)) + text
    return entry


def find_cookie(xauthority: bytes, host: bytes, number: bytes) -> bytes:
    """Return the cookie for a display number of this host, b"" if there is none to be found."""
    offset = 0
    try:
        while offset < len(xauthority):
            (family,) = struct.unpack_from(">H", xauthority, offset)
            offset += 2
            texts = []
            for _ in range(4):
                text, offset = _text(xauthority, offset)
                texts.append(text)
            address, for_number, name, cookie = texts
            ours = family == _FAMILY_WILD or (family, address) == (_FAMILY_LOCAL, host)
            if ours and for_number in (b"", number) and name == _COOKIE_NAME:
                return cookie
    except struct.error:
        pass
    return b""


def _text(data: bytes, offset: int) -> tuple[bytes, int]:
    """Return a text, and the offset of what follows it. Raises struct.error if it is cut off."""
    (size,) = struct.unpack_from(">H", data, offset)
    (text,) = struct.unpack_from(f"{size}s", data, offset + 2)
    return text, offset + 2 + size
