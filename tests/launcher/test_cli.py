"""The `fanlight` command itself, as a person runs it."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanlight_common.core.grants import Grant, Role
from fanlight_common.process import tokens
from fanlight_launcher.machine.programs import DEMO_PROGRAMS, missing
from tests.e2e.processes import wait_until
from tests.ports import free_port

pytestmark = pytest.mark.processes
FANLIGHT = [sys.executable, "-W", "error", "-c", "from fanlight_launcher.cli import app; app()"]
LIMIT_S = 30


def fanlight(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
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
    """Gives options with two ports that were free just now."""
    port = free_port(2)
    return ["--port", str(port), "--screenshot-port", str(port + 1)]


def test_a_link_grants_what_the_options_say(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    ran = fanlight("token", "--desk", "main", "--ttl", "2m", "--secret-file", str(secret))
    assert ran.returncode == 0, ran.stderr
    start, _, token = ran.stdout.strip().partition("#token=")
    assert start == "http://127.0.0.1:8080/?desk=main"
    grant = tokens.verify(tokens.load_secret(secret), token, time.time())
    assert (grant.role, grant.desk) == (Role.VIEW, "main")
    assert 0 <= time.time() + 120 - grant.expires_at < LIMIT_S


def test_raw_prints_the_token_alone(tmp_path: Path) -> None:
    ran = fanlight(
        "token", "--role", "control", "--desk", "*", "--raw", XDG_STATE_HOME=str(tmp_path)
    )
    secret = tokens.load_secret(tmp_path / "fanlight" / "secret")
    grant = tokens.verify(secret, ran.stdout.strip(), time.time())
    assert grant == Grant(Role.CONTROL, "*", grant.expires_at)


def test_the_gateway_s_setting_names_the_secret_file(tmp_path: Path) -> None:
    secret = tmp_path / "of-the-gateway"
    ran = fanlight("token", "--raw", FANLIGHT_GATEWAY_SECRET_FILE=str(secret))
    assert ran.returncode == 0, ran.stderr
    tokens.verify(tokens.load_secret(secret), ran.stdout.strip(), time.time())


def test_the_option_counts_more_than_the_environment_for_the_url(tmp_path: Path) -> None:
    environment = {"FANLIGHT_URL": "http://127.0.0.1:9000", "XDG_STATE_HOME": str(tmp_path)}
    assert fanlight("token", **environment).stdout.startswith(
        "http://127.0.0.1:9000/?desk=main#token="
    )
    ran = fanlight("token", "--url", "https://desks.example", **environment)
    assert ran.stdout.startswith("https://desks.example/?desk=main#token=")
    # A compose file sets it to an empty text if its own variable is not set.
    ran = fanlight("token", **{**environment, "FANLIGHT_URL": ""})
    assert ran.stdout.startswith("http://127.0.0.1:8080/?desk=main#token=")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["token", "--ttl", "soon"], "no duration"),
        (["token", "--desk", "Main Desk"], "--desk: not a name"),
        (["token", "--secret-file", "/proc/version"], "secret file /proc/version"),
        (["up", "--desk", "main"], "--desk main: wants NAME=DISPLAY"),
        (["up", "--port", "9000", "--screenshot-port", "9000"], "are the same"),
        (["up", "--host", "nowhere.invalid"], "--host nowhere.invalid"),
    ],
)
def test_a_wrong_command_line_is_one_clear_line(
    arguments: list[str], expected: str, tmp_path: Path
) -> None:
    ran = fanlight(*arguments, XDG_STATE_HOME=str(tmp_path))
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert line.startswith("fanlight: ")
    assert expected in line
    assert ran.stdout == ""


def test_a_taken_port_is_an_error_before_anything_starts(taken: str, ports: list[str]) -> None:
    for option in ("--port", "--screenshot-port"):
        # The last of two equal options counts.
        ran = fanlight("up", *ports, option, taken)
        assert ran.returncode == 2
        (line,) = ran.stderr.splitlines()
        assert f"{option} {taken}" in line
        assert ran.stdout == ""


def test_missing_programs_are_an_error_before_anything_starts(
    ports: list[str], tmp_path: Path
) -> None:
    ran = fanlight("up", *ports, PATH=str(tmp_path))
    assert ran.returncode == 2
    assert "sudo apt-get install openbox x11-apps" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"FANLIGHT_CAPTURE_DISPLYA": ":3"}, "unknown setting FANLIGHT_CAPTURE_DISPLYA"),
        ({"FANLIGHT_ENCODER_CODEC": "morse"}, "FANLIGHT_ENCODER_CODEC: "),
        ({"FANLIGHT_VIEWER_COLOUR": "red"}, "unknown setting FANLIGHT_VIEWER_COLOUR"),
        ({"FANLIGHT_LOG_LEVEL": "loud"}, "FANLIGHT_LOG_LEVEL: "),
    ],
)
def test_a_wrong_setting_is_an_error_before_anything_starts(
    setting: dict[str, str], expected: str, ports: list[str], tmp_path: Path
) -> None:
    ran = fanlight("up", *ports, "--desk", "main=:98765", XDG_STATE_HOME=str(tmp_path), **setting)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert line.startswith("fanlight: ")
    assert expected in line
    assert ran.stdout == ""


def test_a_service_that_cannot_run_ends_all_with_an_error(ports: list[str], tmp_path: Path) -> None:
    ran = fanlight(
        "up",
        *[*ports, "--desk", "main=:98765"],
        XDG_STATE_HOME=str(tmp_path),
        # An address for examples, which no machine has, so that nothing can be bound there.
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
            # The display is away, which is said first and again below the link.
            if any("#token=" in earlier for earlier in lines) and "no X server answers" in line:
                break
        process.send_signal(number)
        lines += process.stdout.readlines()
        assert process.wait(LIMIT_S) == 0, lines
    assert "no X server answers on :98765" in lines[0]
    stopped = [line.split()[0] for line in lines if " stopped" in line]
    assert sorted(stopped) == ["capture-main", "directory", "encoder-0", "gateway", "screenshot"]
    # The directory ends last, because the others say farewell to it.
    assert stopped[-1] == "directory"
    assert "state=away" not in errors.read_text()


def has_picture(url: str) -> bool:
    """Return whether the screenshot service answers with a screenshot."""
    try:
        with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
            return str(answer.headers["Content-Type"]).startswith("image/")
    except urllib.error.HTTPError:
        return False


@pytest.mark.x11
@pytest.mark.skipif(bool(missing(DEMO_PROGRAMS)), reason="programs are missing")
def test_two_beside_each_other_need_nothing_but_two_ports(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        runs = []
        for _ in range(2):
            port = free_port(2)
            process = subprocess.Popen(
                [*FANLIGHT, "up", "--port", str(port)],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
            )
            stack.enter_context(process)
            stack.callback(process.send_signal, signal.SIGINT)
            runs.append((port, process))
        for port, process in runs:
            assert process.stdout is not None
            output = ""
            for line in process.stdout:
                output += line
                if "#token=" in line:
                    break
            assert f"http://127.0.0.1:{port}/?desk=main#token=" in output, output
            # A screenshot of the demonstration desk needs all services but the gateway and encoder.
            # The link says that the gateway knows the desk. This service may hear of it later.
            url = f"http://127.0.0.1:{port + 1}/desks/main/screenshot"
            wait_until(lambda url=url: has_picture(url), "a screenshot")
        for _, process in runs:
            process.send_signal(signal.SIGINT)
        for _, process in runs:
            output = process.communicate(timeout=LIMIT_S)[0]
            assert process.returncode == 0, output


def test_bus_keys_are_created_and_changed(tmp_path: Path) -> None:
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
