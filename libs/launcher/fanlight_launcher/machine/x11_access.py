"""Whether an X server of this machine lets us in, and the cookie files for that.

It speaks the protocol's first exchange itself (`core.x11_handshake`), because libxcb prints what is
wrong instead of returning it, and may wait for ever. Owns no state. Blocks the caller's thread for
at most 2 s for each answer.
"""

import contextlib
import os
import re
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path

from fanlight_launcher.core import x11_handshake

_LIMIT_S = 2.0
_COOKIE_BYTES = 16


def display_socket(display: str) -> Path | None:
    """Return the socket of a local display (`:0`, `unix:0.0`), None for any other display."""
    found = re.fullmatch(r"(?:unix)?:([0-9]+)(?:\.[0-9]+)?", display)
    return Path(f"/tmp/.X11-unix/X{found[1]}") if found else None


def reach_display(display: str) -> str:
    """Return why a display of this machine cannot be used, "" if it can be used.

    A display of another machine is not asked, and the answer is "".
    """
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
    """Return the reason that the server at this socket gives for a refusal, "" if it lets us in.

    `number` is the display's. `environment` says where the cookie file is, as for any X client.
    Raises OSError if no server answers.
    """
    request = x11_handshake.encode_request(_cookie(number, environment))
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(_LIMIT_S)
        probe.connect(str(path))
        probe.sendall(request)
        with probe.makefile("rb") as answer:
            head = answer.read(x11_handshake.ANSWER_HEAD_BYTES)
            if len(head) < x11_handshake.ANSWER_HEAD_BYTES:
                raise OSError("it hangs up")
            size_bytes = x11_handshake.reason_bytes(head)
            if size_bytes < 0:
                return ""
            return answer.read(size_bytes).decode("latin-1").strip() or "no reason given"


def write_cookie(path: Path) -> None:
    """Make an Xauthority file, with one random cookie that is good for every display number.

    No tool could make it so early: xauth wants the display's number, which is known once the server
    runs, but the server wants the file when it starts. Raises FileExistsError and other OSErrors.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(x11_handshake.encode_cookie(secrets.token_bytes(_COOKIE_BYTES)))


def _cookie(number: str, environment: Mapping[str, str]) -> bytes:
    """Return the cookie that an X client would show to this display, b"" without a cookie."""
    file = environment.get("XAUTHORITY") or os.path.join(environment.get("HOME", ""), ".Xauthority")
    try:
        data = Path(file).read_bytes()
    except OSError:
        return b""
    return x11_handshake.find_cookie(data, socket.gethostname().encode(), number.encode())
