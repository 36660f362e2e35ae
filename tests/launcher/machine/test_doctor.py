"""What the machine has: programs, ports, displays, memory; the runtime directory."""

import fcntl
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from fanlight_common.errors import ConfigurationError
from fanlight_launcher.machine import doctor as doctor_module
from fanlight_launcher.machine import requirements, x11_access
from fanlight_launcher.machine.requirements import (
    DEMO_PROGRAMS,
    Program,
    check_port,
    check_programs,
    display_socket,
    reach_display,
    segment_limit_mib,
    shared_memory_mib,
)
from fanlight_launcher.machine.runtime_directory import runtime_dir
from tests.ports import free_port

ABSENT = Program("no-such-program", "no-such-package", "a test")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_missing_programs_are_named_with_the_command_that_gets_them() -> None:
    check_programs((Program("sh", "dash", "a test"),))
    with pytest.raises(ConfigurationError, match="sudo apt-get install no-such-package"):
        check_programs((ABSENT,))


def test_a_taken_port_is_named(taken_port: int) -> None:
    check_port("--port", "127.0.0.1", free_port())
    with pytest.raises(ConfigurationError, match=rf"--port {taken_port}: cannot .*in use"):
        check_port("--port", "127.0.0.1", taken_port)
    with pytest.raises(ConfigurationError, match=r"--host nowhere\.invalid"):
        check_port("--port", "nowhere.invalid", free_port())


def test_where_a_display_listens() -> None:
    assert display_socket(":7") == Path("/tmp/.X11-unix/X7")
    assert display_socket("unix:7.0") == Path("/tmp/.X11-unix/X7")
    assert display_socket("host:7") is None
    assert display_socket("7") is None
    assert display_socket(":x") is None


def test_a_display_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert reach_display("elsewhere:0") == ""
    path = tmp_path / "X7"
    monkeypatch.setattr(requirements, "display_socket", lambda _: path)
    assert "no X server answers on :7" in reach_display(":7")
    monkeypatch.setattr(x11_access, "_LIMIT_S", 0.1)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert reach_display(":7") == "no X server answers on :7 (timed out)"


def test_memory(tmp_path: Path) -> None:
    assert shared_memory_mib(tmp_path) >= 0
    assert shared_memory_mib(tmp_path / "none") == -1
    (tmp_path / "shmmax").write_text("67108864\n")
    assert shared_memory_mib(tmp_path / "shmmax") == -1
    assert segment_limit_mib(tmp_path / "shmmax") == 64
    assert segment_limit_mib(tmp_path / "none") == -1


def diagnose(port: int) -> tuple[int, str]:
    console = Console(width=200, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115  # closed below
    with console.file:
        status = doctor_module.doctor("127.0.0.1", port, port, console)
        return status, console.export_text()


def test_a_healthy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "DEMO_PROGRAMS", ())
    monkeypatch.setattr(doctor_module, "shared_memory_mib", lambda: 1000)
    monkeypatch.setenv("DISPLAY", ":987654")
    status, text = diagnose(free_port())
    assert status == 0, text
    assert "Nothing is missing" in text
    # A display that is away is told of, and no reason to fail.
    assert "no X server answers on :987654" in text


def test_a_sick_machine(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "DEMO_PROGRAMS", (ABSENT,))
    monkeypatch.setattr(doctor_module, "_PACKAGES", {"no_such_module": "a test"})
    monkeypatch.setattr(doctor_module, "shared_memory_mib", lambda: 64)
    monkeypatch.setattr(doctor_module, "segment_limit_mib", lambda: -1)
    monkeypatch.delenv("DISPLAY", raising=False)
    status, text = diagnose(taken_port)
    assert status == 1
    for words in (
        "✗  no-such-program",
        "sudo apt-get install no-such-package",
        "pip install",
        "in use on 127.0.0.1",
        "fanlight up needs another --port ",
        "fanlight up needs another --screenshot-port",
        "64 MiB free",
        "kernel.shmmax",
    ):
        assert words in text


def test_the_demo_s_programs_have_packages() -> None:
    assert all(program.package and program.purpose for program in DEMO_PROGRAMS)


def test_the_runtime_directory_is_private_and_goes() -> None:
    with runtime_dir() as directory:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        (directory / "socket").touch()
        # Room for the longest name that a desk can have.
        assert len(str(directory / f"capture-{'x' * 63}.outlet")) <= 107
    assert not directory.exists()


def test_what_a_killed_launcher_left_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Path(tempfile.mkdtemp(prefix="fl-"))
    monkeypatch.setattr(tempfile, "tempdir", str(parent))
    left, used, bare, link = (parent / f"fanlight-up-{n}" for n in ("left", "used", "bare", "link"))
    for directory in (left, used, bare):
        directory.mkdir()
    (left / "lock").touch()
    link.symlink_to(left)
    with (used / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with runtime_dir() as directory:
            assert directory.parent == parent
            assert not left.exists()
            assert used.exists()
            # Perhaps somebody is just about to lock it.
            assert bare.exists()
    assert not directory.exists()


def test_a_long_temporary_directory_is_avoided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 60)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with runtime_dir() as directory:
        assert directory.parent == Path("/tmp")
