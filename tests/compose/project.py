"""One compose project on a real engine: up, what runs in it, down.

Everything goes through the command line, as it does for people. The project has a name of its own
and takes free ports, so it may stand beside another one of the same files.
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
"""Generous: two cores may be busy with something else."""
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
"""Prints the title of the window that has the keyboard."""


def image(service: str) -> str:
    """The image that a service of the tests runs."""
    return f"{IMAGES}/{service}:{TAG}"


def run(*command: str, limit_s: float = 120.0, check: bool = True, **options: Any) -> str:
    """What a command prints. AssertionError, with all that it said, where it fails."""
    ran = subprocess.run(
        command, text=True, capture_output=True, timeout=limit_s, check=False, **options
    )
    assert not check or ran.returncode == 0, f"{' '.join(command)}:\n{ran.stdout}{ran.stderr}"
    return ran.stdout.strip()


def docker(*arguments: str, **options: Any) -> str:
    """`docker ARGUMENTS`."""
    return run("docker", *arguments, **options)


def fails(*arguments: str) -> str:
    """What `docker ARGUMENTS`, which has to fail, says; AssertionError where it does not."""
    ran = subprocess.run(
        ["docker", *arguments], text=True, capture_output=True, timeout=60, check=False
    )
    assert ran.returncode != 0, f"did not fail: {' '.join(arguments)}:\n{ran.stdout}"
    return ran.stdout + ran.stderr


def compose_command() -> list[str]:
    """`docker compose` where the client has it, else `docker-compose`."""
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
        """All that the engine knows."""
        found: dict[str, Any] = json.loads(docker("inspect", self.id))[0]
        return found

    @property
    def name(self) -> str:
        """As the engine calls it, without the slash."""
        return str(self.inspect()["Name"]).lstrip("/")

    @property
    def health(self) -> str:
        """healthy, starting, unhealthy."""
        return str(self.inspect()["State"]["Health"]["Status"])

    def execute(self, *command: str, user: str = "", **options: Any) -> str:
        """What a command in it prints."""
        return docker("exec", *(["--user", user] if user else []), self.id, *command, **options)

    def refuses(self, *command: str, user: str = "") -> str:
        """What a command in it, which has to fail, says."""
        return fails("exec", *(["--user", user] if user else []), self.id, *command)

    def metrics(self) -> str:
        """Its /metrics."""
        address = "http://127.0.0.1:9100/metrics"
        script = f"import urllib.request as u; print(u.urlopen('{address}').read().decode())"
        return self.execute("python", "-c", script)

    def stop(self) -> tuple[float, int]:
        """`docker stop`: seconds until its process had ended, and the exit status.

        The engine itself may take 3 s more: it waits for names that are being looked up.
        """
        began = datetime.now(UTC)
        docker("stop", "--time", "10", self.id)
        state = self.inspect()["State"]
        ended = datetime.fromisoformat(state["FinishedAt"][:19] + "+00:00")
        fraction = float("0." + state["FinishedAt"][20:26].rstrip("Z"))
        return (ended - began).total_seconds() + fraction, int(state["ExitCode"])


class Project:
    """The stack of docker-compose.yml, and overlays."""

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
            # Any free port.
            "FANLIGHT_LISTEN": "127.0.0.1:",
            **environment,
        }

    def compose(self, *arguments: str, **options: Any) -> str:
        """`docker compose ARGUMENTS`."""
        options = {"limit_s": 300.0, "env": self._environment, "cwd": ROOT, **options}
        return run(*self._command, *arguments, **options)

    def up(self, *arguments: str) -> None:
        """Start what is not up."""
        self.compose("up", "--detach", *arguments)

    def down(self, *arguments: str) -> None:
        """End and remove everything."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5", *arguments)

    def all(self, service: str) -> list[Container]:
        """The containers of a service, by number."""
        ids = self.compose("ps", "--quiet", service).split()
        return sorted((Container(id_) for id_ in ids), key=_number)

    def one(self, service: str) -> Container:
        """The only one."""
        (container,) = self.all(service)
        return container

    def port(self, service: str, port: int) -> int:
        """Where on this machine a published port is."""
        return int(self.compose("port", service, str(port)).rsplit(":", 1)[1])

    def link(self, desk: str, role: str = "control") -> str:
        """A link, made as people make one."""
        token = ["fanlight", "token", "--role", role, "--desk", desk]
        url = f"http://127.0.0.1:{self.port('gateway', 8080)}"
        return self.compose("exec", "-T", "gateway", *token, "--url", url)

    def logs(self, service: str) -> str:
        """What a service has logged."""
        return self.compose("logs", "--no-color", service)

    def wait_healthy(self) -> None:
        """Until every container that has a health check is healthy."""
        for service in SERVICES:
            for container in self.all(service):
                wait_until(
                    lambda c=container: c.health == "healthy",  # type: ignore[misc]
                    f"{service} to be healthy",
                    LIMIT_S,
                )

    def leftovers(self) -> dict[str, str]:
        """What the engine still has of the project."""
        label = f"label=com.docker.compose.project={self.name}"
        return {
            "containers": docker("ps", "--all", "--quiet", "--filter", label),
            "networks": docker("network", "ls", "--quiet", "--filter", label),
            "volumes": docker("volume", "ls", "--quiet", "--filter", label),
        }


def _number(container: Container) -> int:
    return int(container.inspect()["Config"]["Labels"]["com.docker.compose.container-number"])


class Desk(Container):
    """A desk's container, and its applications' side."""

    @property
    def uid(self) -> str:
        """The applications' user."""
        return wait_until(
            lambda: self.execute("stat", "-c", "%u", "/home/desk", check=False), "a home", LIMIT_S
        )

    def application(self, *command: str, detached: bool = False, **options: Any) -> str:
        """Run something on the desk as its applications run."""
        environment = ["HOME=/home/desk", "DISPLAY=:0", "XAUTHORITY=/home/desk/.Xauthority"]
        flags = [part for value in environment for part in ("--env", value)]
        flags += ["--user", f"{self.uid}:{self.uid}", *(["--detach"] if detached else [])]
        return docker("exec", *flags, self.id, *command, **options)

    def move(self) -> None:
        """Let something change on it ten times a second, in a window that has the keyboard."""
        # After the desk's own application: where a window is put depends on those that are there.
        wait_until(self.active, "the application", LIMIT_S)
        script = "while :; do date +%N; sleep 0.1; done"
        place = ["-T", MOVING, "-geometry", "40x8+20+560"]
        self.application("xterm", *place, "-e", "sh", "-c", script, detached=True)
        # A new window takes the keyboard when it appears: not from a test that types by then.
        wait_until(lambda: self.active() == MOVING, "something that moves", LIMIT_S)

    def active(self) -> str:
        """The title of the window that has the keyboard; empty while there is none."""
        return self.application("/opt/fanlight/bin/python", "-c", ACTIVE, check=False)

    def processes(self) -> dict[str, tuple[str, str]]:
        """Uid and process id, as the container sees it, by program (the last one of each)."""
        script = (
            "for p in /proc/[0-9]*; do"
            " echo $(stat -c %u $p) ${p#/proc/} $(tr '\\0' ' ' <$p/cmdline); done 2>/dev/null"
        )
        found = {}
        for line in self.execute("bash", "-c", script).splitlines():
            # A process may end while it is looked at.
            match line.split():
                case [uid, pid, *command] if command:
                    found[" ".join(command[:3])] = (uid, pid)
        return found

    def process(self, beginning: str) -> tuple[str, str]:
        """Uid and process id of what is called so."""
        return wait_until(
            lambda: next(
                (at for name, at in self.processes().items() if name.startswith(beginning)), None
            ),
            beginning,
            LIMIT_S,
        )
