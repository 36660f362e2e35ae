"""Whether an X server lets us in: a server of the test, and a real one."""

import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanlight_launcher.machine import x11_access
from fanlight_launcher.machine.x11_access import display_socket, reach_display, write_cookie

COOKIE = bytes(range(16))
NAME = b"MIT-MAGIC-COOKIE-1"


def entry(family: int, address: bytes, number: bytes, name: bytes, cookie: bytes) -> bytes:
    """Return an entry of an Xauthority file."""
    texts = b"".join(struct.pack(">H", len(t)) + t for t in (address, number, name, cookie))
    return struct.pack(">H", family) + texts


class Server:
    """A server that takes one client, keeps its request, and answers with given bytes."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.request = b""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._answer = answer
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._socket.accept()
        with client:
            self.request = client.recv(1000)
            client.sendall(self._answer)

    def close(self) -> None:
        self._thread.join(10)
        self._socket.close()


def ask(tmp_path: Path, answer: bytes, authority: bytes | None = None) -> tuple[str, bytes]:
    """Return the refusal that is read from an answer, and the request."""
    environment = {"HOME": str(tmp_path)}
    if authority is not None:
        (tmp_path / ".Xauthority").write_bytes(authority)
    path = tmp_path / "X7"
    path.unlink(missing_ok=True)
    server = Server(path, answer)
    try:
        return x11_access.refusal(path, "7", environment), server.request
    finally:
        server.close()


def test_without_a_cookie_nothing_is_shown(tmp_path: Path) -> None:
    refused, request = ask(tmp_path, b"\x01\0\x0b\0\0\0\0\0")
    assert refused == ""
    assert request == b"l\0\x0b\0\0\0\0\0\0\0\0\0"


def test_a_cookie_is_shown_filled_up_to_four_bytes(tmp_path: Path) -> None:
    _, request = ask(tmp_path, b"\x01\0\x0b\0\0\0\0\0", entry(0xFFFF, b"", b"", NAME, COOKIE))
    assert request == b"l\0\x0b\0\0\0\x12\0\x10\0\0\0" + NAME + b"\0\0" + COOKIE


def test_the_cookie_of_this_host_and_display_is_taken(tmp_path: Path) -> None:
    host = socket.gethostname().encode()
    authority = (
        entry(256, b"another-" + host, b"7", NAME, b"a" * 16)
        + entry(256, host, b"8", NAME, b"b" * 16)
        + entry(256, host, b"7", b"XDM-AUTHORIZATION-1", b"c" * 16)
        + entry(256, host, b"7", NAME, COOKIE)
    )
    _, request = ask(tmp_path, b"\x01\0\x0b\0\0\0\0\0", authority)
    assert request.endswith(COOKIE)


@pytest.mark.parametrize("authority", [b"\1", b"\1\0\0\xff", b"\xff\xff\0\0", b"\0" * 9])
def test_a_broken_file_is_no_cookie(tmp_path: Path, authority: bytes) -> None:
    _, request = ask(tmp_path, b"\x01\0\x0b\0\0\0\0\0", authority)
    assert len(request) == 12


def test_a_refusal_has_the_server_s_reason(tmp_path: Path) -> None:
    reason = b"Maximum number of clients reached"
    answer = struct.pack("<BBHHH", 0, len(reason), 11, 0, 9) + reason + b"\0\0\0"
    assert ask(tmp_path, answer)[0] == reason.decode()


def test_a_server_that_hangs_up_is_no_x_server(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="hangs up"):
        ask(tmp_path, b"\x01")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """Gives a real display that wants a cookie."""
    write_cookie(tmp_path / "cookies")
    reader, writer = os.pipe()
    command = ["Xvfb", "-displayfd", str(writer), "-auth", str(tmp_path / "cookies")]
    server = subprocess.Popen(
        [*command, "-nolisten", "tcp", "-noreset"], pass_fds=(writer,), stderr=subprocess.DEVNULL
    )
    os.close(writer)
    with os.fdopen(reader) as numbers:
        yield f":{numbers.readline().strip()}"
    server.terminate()
    server.wait()


@pytest.mark.x11
@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="Xvfb is missing")
def test_a_display_that_wants_a_cookie(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("XAUTHORITY", raising=False)
    refused = reach_display(guarded)
    assert refused.startswith(f"display {guarded} refuses us (Authorization required")
    assert refused.endswith("set XAUTHORITY to its cookie file")
    write_cookie(tmp_path / "others")
    monkeypatch.setenv("XAUTHORITY", str(tmp_path / "others"))
    assert f"display {guarded} refuses us (Invalid" in reach_display(guarded)
    monkeypatch.setenv("XAUTHORITY", str(tmp_path / "cookies"))
    assert reach_display(guarded) == ""


def test_where_a_display_listens() -> None:
    assert display_socket(":7") == Path("/tmp/.X11-unix/X7")
    assert display_socket("unix:7.0") == Path("/tmp/.X11-unix/X7")
    assert display_socket("host:7") is None
    assert display_socket("7") is None
    assert display_socket(":x") is None


def test_a_display_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert reach_display("elsewhere:0") == ""
    path = tmp_path / "X7"
    monkeypatch.setattr(x11_access, "display_socket", lambda _: path)
    assert "no X server answers on :7" in reach_display(":7")
    monkeypatch.setattr(x11_access, "_LIMIT_S", 0.1)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert reach_display(":7") == "no X server answers on :7 (timed out)"
