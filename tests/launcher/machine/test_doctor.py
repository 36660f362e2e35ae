"""What `fanlight doctor` finds and says."""

import pytest
from rich.console import Console

from fanlight_launcher.machine import doctor as doctor_module
from fanlight_launcher.machine.programs import Program
from tests.ports import free_port

ABSENT = Program("no-such-program", "no-such-package", "a test")


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
    # A display that is away is reported, but is no reason to fail.
    assert "no X server answers on :987654" in text


def test_a_sick_machine(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "DEMO_PROGRAMS", (ABSENT,))
    monkeypatch.setattr(doctor_module, "_PACKAGES", {"no_such_module": "a test"})
    monkeypatch.setattr(doctor_module, "shared_memory_mib", lambda: 64)
    monkeypatch.setattr(doctor_module, "segment_limit_mib", lambda: -1)
    monkeypatch.delenv("DISPLAY", raising=False)
    status, text = diagnose(taken_port)
    assert status == 1
    for expected in (
        "✗  no-such-program",
        "sudo apt-get install no-such-package",
        "pip install",
        "in use on 127.0.0.1",
        "fanlight up needs another --port ",
        "fanlight up needs another --screenshot-port",
        "64 MiB free",
        "kernel.shmmax",
    ):
        assert expected in text
