"""A compose project on a real engine: to start it, to look into it, and to end it.

Everything goes through the command line, as it does for people. The project has a name of its own
and takes free ports, so that it may run beside another one of the same files.
"""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.e2e.processes import wait_until

ROOT = Path(__file__).parents[2]
IMAGES = "localhost/fanlight"
TAG = "test"
SERVICES = ("directory", "desk", "encoder", "screenshot", "gateway")
BUILDS = ROOT / "tests" / "compose" / "build.yml"
LIMIT_S = 60.0
"""Seconds. The limit is generous, because two cores may be busy with something else."""
MOVING = "moving"
ACTIVE = """
import xcffib, xcffib.xproto as x
server = xcffib.connect()
root = server.get_setup().roots[0].root

def read(window, name):
    atom = server.core.InternAtom(False, len(name), name).reply().atom
    return server.core.GetProperty(False, window, atom, x.GetPropertyType.Any, 0, 64).reply().value

windows = read(root, "_NET_ACTIVE_WINDOW").to_atoms()
if windows and windows[0]:
    print(read(windows[0], "WM_NAME").to_string())
"""
"""A program that prints the title of the window that has the keyboard."""


def image(service: str) -> str:
    """Return the image that a service of the tests runs."""
    return f"{IMAGES}/{service}:{TAG}"


def run(*command: str, limit_s: float = 120.0, check: bool = True, **options: Any) -> str:
    """Return what a command prints. Raises AssertionError, with all that it said, if it fails."""
    ran = subprocess.run(
        command, text=True, capture_output=True, timeout=limit_s, check=False, **options
    )
    assert not check or ran.returncode == 0, f"{' '.join(command)}:\n{ran.stdout}{ran.stderr}"
    return ran.stdout.strip()


def docker(*arguments: str, **options: Any) -> str:
    """Return what `docker ARGUMENTS` prints."""
    return run("docker", *arguments, **options)


def fails(*arguments: str) -> str:
    """Return what `docker ARGUMENTS` says as it fails. Raises AssertionError if it does not."""
    ran = subprocess.run(
        ["docker", *arguments], text=True, capture_output=True, timeout=60, check=False
    )
    assert ran.returncode != 0, f"did not fail: {' '.join(arguments)}:\n{ran.stdout}"
    return ran.stdout + ran.stderr


def compose_command() -> list[str]:
    """Return `docker compose` if the client has it, else `docker-compose`."""
    known = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if known.returncode == 0:
        return ["docker", "compose"]
    assert shutil.which("docker-compose"), "neither docker compose nor docker-compose is here"
    return ["docker-compose"]


class Container:
    """One container of the project."""

    def __init__(self, id_: str) -> None:
        self.id = id_

    def inspect(self) -> dict[str, Any]:
        """Return all that the engine knows of it."""
        found: dict[str, Any] = json.loads(docker("inspect", self.id))[0]
        return found

    @property
    def name(self) -> str:
        """Return its name, without the slash that the engine puts before it."""
        return str(self.inspect()["Name"]).lstrip("/")

    @property
    def health(self) -> str:
        """Return its health: healthy, starting or unhealthy."""
        return str(self.inspect()["State"]["Health"]["Status"])

    def execute(self, *command: str, user: str = "", **options: Any) -> str:
        """Return what a command in the container prints."""
        return docker("exec", *(["--user", user] if user else []), self.id, *command, **options)

    def refuses(self, *command: str, user: str = "") -> str:
        """Return what a command in the container says when it fails. It has to fail."""
        return fails("exec", *(["--user", user] if user else []), self.id, *command)

    def metrics(self) -> str:
        """Return the service's /metrics."""
        address = "http://127.0.0.1:9100/metrics"
        script = f"import urllib.request as u; print(u.urlopen('{address}').read().decode())"
        return self.execute("python", "-c", script)

    def stop(self) -> tuple[float, int]:
        """Stop it; return the seconds until its process had ended, and the exit status.

        `docker stop` itself may take 3 s more, because the engine waits for names that are being
        looked up.
        """
        began = datetime.now(UTC)
        docker("stop", "--time", "10", self.id)
        state = self.inspect()["State"]
        ended = datetime.fromisoformat(state["FinishedAt"][:19] + "+00:00")
        fraction = float("0." + state["FinishedAt"][20:26].rstrip("Z"))
        return (ended - began).total_seconds() + fraction, int(state["ExitCode"])


class Project:
    """The stack of docker-compose.yml and overlays, under a project name."""

    def __init__(self, name: str, *overlays: Path, **environment: str) -> None:
        self.name = name
        files = [ROOT / "docker-compose.yml", *overlays]
        self._command = [*compose_command(), "-p", name]
        for file in files:
            self._command += ["-f", str(file)]
        self._environment = {
            **os.environ,
            "FANLIGHT_IMAGES": IMAGES,
            "FANLIGHT_TAG": TAG,
            # The engine takes any free port.
            "FANLIGHT_LISTEN": "127.0.0.1:",
            **environment,
        }

    def compose(self, *arguments: str, **options: Any) -> str:
        """Return what `docker compose ARGUMENTS` prints."""
        options = {"limit_s": 300.0, "env": self._environment, "cwd": ROOT, **options}
        return run(*self._command, *arguments, **options)

    def up(self, *arguments: str) -> None:
        """Start the containers that are not up."""
        self.compose("up", "--detach", *arguments)

    def down(self, *arguments: str) -> None:
        """End and remove containers, networks and volumes."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", *arguments)

    def all(self, service: str) -> list[Container]:
        """Return the containers of a service, sorted by number."""
        ids = self.compose("ps", "--quiet", service).split()
        return sorted((Container(id_) for id_ in ids), key=_number)

    def one(self, service: str) -> Container:
        """Return the only container of a service."""
        (container,) = self.all(service)
        return container

    def port(self, service: str, port: int) -> int:
        """Return the port of this machine under which a port of a service is published."""
        return int(self.compose("port", service, str(port)).rsplit(":", 1)[1])

    def link(self, desk: str, role: str = "control") -> str:
        """Return a link, made by the command that people use."""
        token = ["fanlight", "token", "--role", role, "--desk", desk]
        url = f"http://127.0.0.1:{self.port('gateway', 8080)}"
        return self.compose("exec", "-T", "gateway", *token, "--url", url)

    def logs(self, service: str) -> str:
        """Return what a service has logged."""
        return self.compose("logs", "--no-color", service)

    def wait_healthy(self) -> None:
        """Wait until every container is healthy."""
        for service in SERVICES:
            for container in self.all(service):
                wait_until(
                    lambda c=container: c.health == "healthy",  # type: ignore[misc]
                    f"{service} to be healthy",
                    LIMIT_S,
                )

    def leftovers(self) -> dict[str, str]:
        """Return the ids of what the engine still has of the project, by kind."""
        label = f"label=com.docker.compose.project={self.name}"
        return {
            "containers": docker("ps", "--all", "--quiet", "--filter", label),
            "networks": docker("network", "ls", "--quiet", "--filter", label),
            "volumes": docker("volume", "ls", "--quiet", "--filter", label),
        }


def _number(container: Container) -> int:
    return int(container.inspect()["Config"]["Labels"]["com.docker.compose.container-number"])


class Desk(Container):
    """A desk's container, with what its applications see and do."""

    @property
    def uid(self) -> str:
        """Return the uid of the applications' user."""
        return wait_until(
            lambda: self.execute("stat", "-c", "%u", "/home/desk", check=False), "a home", LIMIT_S
        )

    def application(self, *command: str, detached: bool = False, **options: Any) -> str:
        """Run a command on the desk, as its applications run, and return what it prints."""
        environment = ["HOME=/home/desk", "DISPLAY=:0", "XAUTHORITY=/home/desk/.Xauthority"]
        flags = [part for value in environment for part in ("--env", value)]
        flags += ["--user", f"{self.uid}:{self.uid}", *(["--detach"] if detached else [])]
        return docker("exec", *flags, self.id, *command, **options)

    def move(self) -> None:
        """Open a window with the keyboard whose text changes ten times a second."""
        # The desk's own application has to be there first, because the window's place depends on
        # those that are there.
        wait_until(self.active, "the application", LIMIT_S)
        script = "while :; do date +%N; sleep 0.1; done"
        place = ["-T", MOVING, "-geometry", "40x8+20+560"]
        self.application("xterm", *place, "-e", "sh", "-c", script, detached=True)
        # A new window takes the keyboard when it appears. Waiting for it keeps it from taking what
        # the test types next.
        wait_until(lambda: self.active() == MOVING, "something that moves", LIMIT_S)

    def active(self) -> str:
        """Return the title of the window that has the keyboard; "" while there is none."""
        return self.application("/opt/fanlight/bin/python", "-c", ACTIVE, check=False)

    def processes(self) -> dict[str, tuple[str, str]]:
        """Return uid and process id (inside the container) by program; the last one of a name
        counts.
        """
        script = (
            "for p in /proc/[0-9]*; do"
            " echo $(stat -c %u $p) ${p#/proc/} $(tr '\\0' ' ' <$p/cmdline); done 2>/dev/null"
        )
        found = {}
        for line in self.execute("bash", "-c", script).splitlines():
            # A process may end while the script reads it.
            match line.split():
                case [uid, pid, *command] if command:
                    found[" ".join(command[:3])] = (uid, pid)
        return found

    def process(self, beginning: str) -> tuple[str, str]:
        """Wait for a program whose name begins like this, and return its uid and process id."""
        return wait_until(
            lambda: next(
                (at for name, at in self.processes().items() if name.startswith(beginning)), None
            ),
            beginning,
            LIMIT_S,
        )
