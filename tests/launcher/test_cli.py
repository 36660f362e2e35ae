"""The `fanlight` command itself, as a person runs it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens

pytestmark = pytest.mark.processes
FANLIGHT = [sys.executable, "-W", "error", "-c", "from fanlight_launcher.cli import app; app()"]
LIMIT_S = 30


def fanlight(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [*FANLIGHT, *arguments],
        text=True,
        capture_output=True,
        timeout=LIMIT_S,
        env={**os.environ, **environment},
    )


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.fixture
def ports() -> list[str]:
    """Options with two ports that were free just now."""
    with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
        one, two = a.getsockname()[1], b.getsockname()[1]
    return ["--port", str(one), "--screenshot-port", str(two)]


def test_a_link_lets_in_whom_it_says(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    ran = fanlight("token", "--desk", "main", "--ttl", "2m", "--secret-file", str(secret))
    assert ran.returncode == 0, ran.stderr
    start, _, token = ran.stdout.strip().partition("#token=")
    assert start == "http://127.0.0.1:8080/?desk=main"
    grant = tokens.verify(tokens.load_secret(secret), token, time.time())
    assert (grant.role, grant.desk) == (Role.VIEW, "main")
    assert 0 <= time.time() + 120 - grant.expires_at < LIMIT_S


def test_a_raw_token_is_nothing_else(tmp_path: Path) -> None:
    ran = fanlight(
        "token", "--role", "control", "--desk", "*", "--raw", XDG_STATE_HOME=str(tmp_path)
    )
    secret = tokens.load_secret(tmp_path / "fanlight" / "secret")
    grant = tokens.verify(secret, ran.stdout.strip(), time.time())
    assert grant == Grant(Role.CONTROL, "*", grant.expires_at)


def test_a_token_beside_a_gateway_is_signed_with_its_secret(tmp_path: Path) -> None:
    secret = tmp_path / "of-the-gateway"
    ran = fanlight("token", "--raw", FANLIGHT_GATEWAY_SECRET_FILE=str(secret))
    assert ran.returncode == 0, ran.stderr
    tokens.verify(tokens.load_secret(secret), ran.stdout.strip(), time.time())


def test_a_link_leads_where_the_environment_or_better_the_option_says(tmp_path: Path) -> None:
    told = {"FANLIGHT_URL": "http://127.0.0.1:9000", "XDG_STATE_HOME": str(tmp_path)}
    assert fanlight("token", **told).stdout.startswith("http://127.0.0.1:9000/?desk=main#token=")
    ran = fanlight("token", "--url", "https://desks.example", **told)
    assert ran.stdout.startswith("https://desks.example/?desk=main#token=")
    # As from a compose file that sets it from something that is not set.
    ran = fanlight("token", **{**told, "FANLIGHT_URL": ""})
    assert ran.stdout.startswith("http://127.0.0.1:8080/?desk=main#token=")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["token", "--ttl", "soon"], "no duration"),
        (["token", "--desk", "Main Desk"], "--desk: not a name"),
        (["token", "--secret-file", "/proc/version"], "secret file /proc/version"),
        (["up", "--desk", "main"], "--desk main: wants NAME=DISPLAY"),
        (["up", "--port", "9000", "--screenshot-port", "9000"], "are the same"),
        (["up", "--host", "nowhere.invalid"], "--host nowhere.invalid"),
    ],
)
def test_what_is_wrong_is_one_clear_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    ran = fanlight(*arguments, XDG_STATE_HOME=str(tmp_path))
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert line.startswith("fanlight: ")
    assert words in line
    assert ran.stdout == ""


def test_a_taken_port_is_told_before_anything_starts(taken: str, ports: list[str]) -> None:
    for option in ("--port", "--screenshot-port"):
        # The later one counts.
        ran = fanlight("up", *ports, option, taken)
        assert ran.returncode == 2
        (line,) = ran.stderr.splitlines()
        assert f"{option} {taken}" in line
        assert ran.stdout == ""


def test_missing_programs_are_told_before_anything_starts(ports: list[str], tmp_path: Path) -> None:
    ran = fanlight("up", *ports, PATH=str(tmp_path))
    assert ran.returncode == 2
    assert "sudo apt-get install openbox x11-apps" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"FANLIGHT_CAPTURE_DISPLYA": ":3"}, "unknown setting FANLIGHT_CAPTURE_DISPLYA"),
        ({"FANLIGHT_ENCODER_CODEC": "morse"}, "FANLIGHT_ENCODER_CODEC: "),
        ({"FANLIGHT_VIEWER_COLOUR": "red"}, "unknown setting FANLIGHT_VIEWER_COLOUR"),
        ({"FANLIGHT_LOG_LEVEL": "loud"}, "FANLIGHT_LOG_LEVEL: "),
    ],
)
def test_a_wrong_setting_is_told_before_anything_starts(
    setting: dict[str, str], words: str, ports: list[str], tmp_path: Path
) -> None:
    ran = fanlight("up", *ports, "--desk", "main=:98765", XDG_STATE_HOME=str(tmp_path), **setting)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert line.startswith("fanlight: ")
    assert words in line
    assert ran.stdout == ""


def test_a_service_that_cannot_run_ends_it_all_loudly(ports: list[str], tmp_path: Path) -> None:
    ran = fanlight(
        "up",
        *[*ports, "--desk", "main=:98765"],
        XDG_STATE_HOME=str(tmp_path),
        # Nobody's address: well-formed, and nothing can be bound there.
        FANLIGHT_HEALTH_HOST="192.0.2.1",
    )
    assert ran.returncode == 1, ran.stderr
    assert "desk main: no X server answers on :98765" in ran.stdout
    assert "FANLIGHT_HEALTH_PORT 192.0.2.1" in ran.stderr
    assert re.search("fanlight gives up: [a-z0-9-]+ ended with status 2", ran.stdout)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_cleanly(number: signal.Signals, ports: list[str], tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            [*FANLIGHT, "up", *ports, "--desk", "main=:98765"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        ) as process,
    ):
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            # The display is away: told at first, and again below the link.
            if any("#token=" in told for told in lines) and "no X server answers" in line:
                break
        process.send_signal(number)
        lines += process.stdout.readlines()
        assert process.wait(LIMIT_S) == 0, lines
    assert "no X server answers on :98765" in lines[0]
    stopped = [line.split()[0] for line in lines if " stopped" in line]
    assert sorted(stopped) == ["capture-main", "directory", "encoder-0", "gateway", "screenshot"]
    # To whom the others said farewell.
    assert stopped[-1] == "directory"
    assert "state=away" not in errors.read_text()


def test_bus_keys_are_made_and_changed(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    names = []
    for step in ("create", "add", "promote", "remove"):
        done = fanlight("keys", step, str(file))
        assert done.returncode == 0, done.stderr
        names.append(re.findall(r"\b[0-9a-f]{12}\b", done.stdout))
    (old,), added, promoted, (new,) = names
    assert (added, promoted) == ([old, new], [new, old])
    wrong = fanlight("keys", "remove", str(file))
    assert wrong.returncode == 2
    assert "wants 1 to" in wrong.stderr
    assert file.read_text().strip() not in done.stdout


def test_the_doctor_answers() -> None:
    ran = fanlight("doctor", "--port", "1")
    assert "Xvfb" in ran.stdout
    assert ran.returncode in (0, 1)
