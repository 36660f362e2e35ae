"""Does an X server let us in? The first exchange of the X protocol, and the cookie for it.

By hand, as little as it takes: libxcb prints what is wrong instead of saying it, and may wait for
ever. Knows the sockets of this machine and MIT-MAGIC-COOKIE-1, which is what displays have.
"""

import contextlib
import os
import re
import secrets
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

_LIMIT_S = 2.0
_COOKIE_NAME = b"MIT-MAGIC-COOKIE-1"
_FAMILY_LOCAL = 256
_FAMILY_WILD = 0xFFFF
_REFUSED = 0


def display_socket(display: str) -> Path | None:
    """The socket of a display of this machine (`:0`, `unix:0.0`); None for any other."""
    found = re.fullmatch(r"(?:unix)?:([0-9]+)(?:\.[0-9]+)?", display)
    return Path(f"/tmp/.X11-unix/X{found[1]}") if found else None


def reach_display(display: str) -> str:
    """Why a display of this machine cannot be used; "" where it can, or cannot be told."""
    path = display_socket(display)
    if path is None:
        return ""
    try:
        refused = refusal(path, path.name[1:], os.environ)
    except OSError as error:
        return f"no X server answers on {display} ({error.strerror or error})"
    if not refused:
        return ""
    return f"display {display} refuses us ({refused}); set XAUTHORITY to its cookie file"


def refusal(path: Path, number: str, environment: Mapping[str, str]) -> str:
    """Why the server at this socket does not let us in, in its words; "" where it does.

    `number` is the display's. Raises OSError where nobody answers.
    """
    cookie = _cookie(number, environment)
    name = _COOKIE_NAME if cookie else b""
    # Little-endian, protocol 11.0, and two texts, each filled up to four bytes.
    request = struct.pack("<cxHHHHxx", b"l", 11, 0, len(name), len(cookie))
    request += b"".join(text + bytes(-len(text) % 4) for text in (name, cookie))
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(_LIMIT_S)
        probe.connect(str(path))
        probe.sendall(request)
        with probe.makefile("rb") as answer:
            head = answer.read(8)
            if len(head) < 8:
                raise OSError("it hangs up")
            if head[0] != _REFUSED:
                return ""
            return answer.read(head[1]).decode("latin-1").strip() or "no reason given"


def _cookie(number: str, environment: Mapping[str, str]) -> bytes:
    """What an X client would show this display; b"" where there is nothing."""
    file = environment.get("XAUTHORITY") or os.path.join(environment.get("HOME", ""), ".Xauthority")
    host = socket.gethostname().encode()
    with contextlib.suppress(OSError, struct.error):
        data = Path(file).read_bytes()
        while data:
            # A family and four texts with their lengths, big-endian.
            (family,), data = struct.unpack_from(">H", data), data[2:]
            address, data = _text(data)
            for_number, data = _text(data)
            name, data = _text(data)
            cookie, data = _text(data)
            ours = family == _FAMILY_WILD or (family, address) == (_FAMILY_LOCAL, host)
            if ours and for_number in (b"", number.encode()) and name == _COOKIE_NAME:
                return cookie
    return b""


def _text(data: bytes) -> tuple[bytes, bytes]:
    (size,) = struct.unpack_from(">H", data)
    return data[2 : 2 + size], data[2 + size :]


def write_cookie(path: Path) -> None:
    """An Xauthority file with one random cookie that is good for every display number.

    Written by hand (four length-prefixed, big-endian fields): the number is not known before the
    server runs, and the server wants the cookie to start.
    """
    entry = struct.pack(">H", _FAMILY_WILD)
    for field in (b"", b"", _COOKIE_NAME, secrets.token_bytes(16)):
        entry += struct.pack(">H", len(field)) + field
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(entry)
