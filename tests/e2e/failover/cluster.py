"""Services as single processes on one bus, each of which a test can start, kill and pause."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from fanlight_common.core.grants import ALL_DESKS, Grant, Role
from fanlight_common.process import tokens
from tests.e2e.processes import NO_TLS, answers, end, wait_until
from tests.ports import free_port


def present_release(kind: str) -> list[str]:
    """Return the command that starts a service of the present release."""
    return [sys.executable, "-m", f"fanlight_{kind}"]


class Service:
    """One process of a service. A file has the output of all its lives."""

    def __init__(
        self, kind: str, id_: str, log: Path, environment: dict[str, str], command: list[str]
    ) -> None:
        self.kind = kind
        self.id = id_
        self.port = 0
        """The port of a gateway; 0 for other kinds."""
        self._log = log
        self._environment = environment
        self.command = command
        self.start()

    def start(self) -> None:
        """Start the process, or another one in its place."""
        self._life_from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("a") as log:
            self.process: subprocess.Popen[str] = subprocess.Popen(
                self.command,
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=log,
                text=True,
            )

    @property
    def output(self) -> str:
        """Return all that its processes wrote."""
        return self._log.read_text()

    @property
    def life(self) -> str:
        """Return what the present process wrote."""
        return self._log.read_bytes()[self._life_from :].decode()

    def kill(self) -> None:
        """Kill the process by SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> float:
        """End the process by SIGTERM, and return the seconds that it took.

        Raises AssertionError if its status is not 0.
        """
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        assert self.process.returncode == 0, self.output[-2000:]
        return time.monotonic() - started

    def pause(self) -> None:
        """Let the process hang, as if it were behind a cut network."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a process that hangs go on."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End the process, whatever its state, when a test is over."""
        if self.process.poll() is None:
            self.resume()
        end(self.process)


class Cluster:
    """Services on one bus, in a runtime directory of its own."""

    def __init__(self, **environment: str) -> None:
        self.runtime_dir = Path(tempfile.mkdtemp(prefix="fl-"))
        self.secret_file = self.runtime_dir / "secret"
        self.secret = tokens.load_secret(self.secret_file)
        self.services: dict[str, Service] = {}
        self.ports: dict[str, int] = {}
        """The port of each gateway, by id."""
        self.command_of = present_release
        """Return the command of a kind of service. It counts for services that are started from
        now on."""
        self.environment = environment
        """Settings that every service gets."""

    def start(self, kind: str, id_: str, **environment: str) -> Service:
        """Start a service of this kind with this id and these further settings."""
        own = {
            "FANLIGHT_RUNTIME_DIR": str(self.runtime_dir),
            "FANLIGHT_ID": id_,
            "FANLIGHT_HEALTH_PORT": "0",
            **self.environment,
            **environment,
        }
        self.services[id_] = Service(
            kind, id_, self.runtime_dir / f"{id_}.log", own, self.command_of(kind)
        )
        return self.services[id_]

    def directory(self) -> Service:
        """Start the directory."""
        return self.start("directory", "directory")

    def encoder(self, id_: str, **environment: str) -> Service:
        """Start an encoder, and wait until the directory knows it."""
        service = self.start("encoder", id_, **environment)
        self.until_joined(id_)
        return service

    def desk(self, name: str, *, width: int = 640, height: int = 360, fps: float = 30) -> Service:
        """Start the capture of a desk with a synthetic picture, which moves if `fps` is not 0."""
        return self.start(
            "capture",
            f"capture-{name}",
            FANLIGHT_CAPTURE_DESK=name,
            FANLIGHT_CAPTURE_SOURCE="pattern",
            FANLIGHT_CAPTURE_PATTERN=f"{width}x{height}@{fps:g}",
        )

    def screenshot(self, id_: str = "screenshot") -> Service:
        """Start a screenshot service on a free port."""
        return self.start("screenshot", id_, FANLIGHT_SCREENSHOT_PORT=str(free_port()))

    def gateway(self, id_: str = "gateway", *, port: int = 0, **environment: str) -> Service:
        """Start a gateway with the cluster's secret, and wait until it answers.

        `ports` has its port afterwards.
        """
        port = port or free_port()
        service = self.start(
            "gateway",
            id_,
            FANLIGHT_GATEWAY_PORT=str(port),
            FANLIGHT_GATEWAY_SECRET_FILE=str(self.secret_file),
            **environment,
        )
        service.port = self.ports[id_] = port
        wait_until(lambda: self.answers(port), f"{id_} to answer")
        return service

    def token(self, role: Role = Role.CONTROL) -> str:
        """Return a token for all desks, which is valid for an hour."""
        now = time.time()
        return tokens.issue(self.secret, Grant(role, ALL_DESKS, int(now) + 3600), now)

    def get(self, port: int, path: str) -> httpx.Response:
        """Return the answer of the gateway on this port to a request with a token."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        url = f"http://127.0.0.1:{port}{path}"
        return httpx.get(url, headers=headers, trust_env=False, verify=NO_TLS)

    def until_joined(self, id_: str, times: int = 1) -> None:
        """Wait until the directory has logged that this process joined, so many times."""

        def joined() -> bool:
            return len(re.findall(rf"event=joined .*id={id_} ", self.told)) >= times

        wait_until(joined, f"{id_} to join")

    @property
    def told(self) -> str:
        """Return what the directory has logged."""
        return self.services["directory"].output

    def leases(self, stream: str = "") -> list[dict[str, str]]:
        """Return every lease that the directory gave or ended, in order, as its logged fields."""
        found: list[dict[str, str]] = []
        for line in re.findall(r"event=lease (.*)", self.told):
            fields = dict(re.findall(r"(\w+)=(\S+)", line))
            if stream in ("", fields["stream"]):
                found.append(fields)
        return found

    def holder(self, stream: str) -> Service:
        """Wait until an encoder has the stream's lease, and return that encoder."""

        def held() -> Any:
            leases = self.leases(stream)
            return leases and leases[-1]["encoder"] != "none" and leases[-1]["encoder"]

        return self.services[wait_until(held, f"a lease of {stream}")]

    def close(self) -> None:
        """End all services and remove the runtime directory."""
        for service in reversed(self.services.values()):
            service.end()
        shutil.rmtree(self.runtime_dir, ignore_errors=True)

    def answers(self, port: int, path: str = "/healthz") -> bool:
        """Return whether the gateway on this port answers this path with 200."""
        return answers(f"http://127.0.0.1:{port}{path}", token=self.token())
