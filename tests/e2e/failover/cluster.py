"""Services as single processes on one bus, each of which can be started, killed and paused."""

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
    """The command of a service."""
    return [sys.executable, "-m", f"fanlight_{kind}"]


class Service:
    """One process. Its output is kept in a file."""

    def __init__(
        self, kind: str, id_: str, log: Path, environment: dict[str, str], command: list[str]
    ) -> None:
        self.kind = kind
        self.id = id_
        self.port = 0
        """Of a gateway."""
        self._log = log
        self._environment = environment
        self.command = command
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
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
        """All that it wrote, of all its lives."""
        return self._log.read_text()

    @property
    def life(self) -> str:
        """What it wrote since it was started the last time."""
        return self._log.read_bytes()[self._life_from :].decode()

    def kill(self) -> None:
        """kill -9, and no more."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> float:
        """SIGTERM; returns the seconds that it took to end. AssertionError where it fails."""
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(30)
        assert self.process.returncode == 0, self.output[-2000:]
        return time.monotonic() - started

    def pause(self) -> None:
        """It hangs from now on, as behind a cut network: nothing comes and nothing goes."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """And goes on as if nothing had been."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """At the end of a test, whatever its state."""
        if self.process.poll() is None:
            self.resume()
        end(self.process)


class Cluster:
    """One bus, in a directory of its own."""

    def __init__(self, **environment: str) -> None:
        self.runtime_dir = Path(tempfile.mkdtemp(prefix="fl-"))
        self.secret_file = self.runtime_dir / "secret"
        self.secret = tokens.load_secret(self.secret_file)
        self.services: dict[str, Service] = {}
        self.ports: dict[str, int] = {}
        """Of each gateway."""
        self.command_of = present_release
        """Of services that are started from now on."""
        self.environment = environment
        """Settings of every service."""

    def start(self, kind: str, id_: str, **environment: str) -> Service:
        """Start a service under this id."""
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
        """The directory."""
        return self.start("directory", "directory")

    def encoder(self, id_: str, **environment: str) -> Service:
        """An encoder that is ready."""
        service = self.start("encoder", id_, **environment)
        self.until_joined(id_)
        return service

    def desk(self, name: str, *, width: int = 640, height: int = 360, fps: float = 30) -> Service:
        """A desk with a picture that moves."""
        return self.start(
            "capture",
            f"capture-{name}",
            FANLIGHT_CAPTURE_DESK=name,
            FANLIGHT_CAPTURE_SOURCE="pattern",
            FANLIGHT_CAPTURE_PATTERN=f"{width}x{height}@{fps:g}",
        )

    def screenshot(self, id_: str = "screenshot") -> Service:
        """A screenshot service on a free port."""
        return self.start("screenshot", id_, FANLIGHT_SCREENSHOT_PORT=str(free_port()))

    def gateway(self, id_: str = "gateway", *, port: int = 0, **environment: str) -> Service:
        """A gateway that answers. All of a cluster share a secret. Its port is in `ports`."""
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
        """For all desks, for an hour."""
        now = time.time()
        return tokens.issue(self.secret, Grant(role, ALL_DESKS, int(now) + 3600), now)

    def get(self, port: int, path: str) -> httpx.Response:
        """An answer of the gateway on this port, to somebody with a token."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        url = f"http://127.0.0.1:{port}{path}"
        return httpx.get(url, headers=headers, trust_env=False, verify=NO_TLS)

    def until_joined(self, id_: str, times: int = 1) -> None:
        """Until the directory has had this process join so often."""

        def joined() -> bool:
            return len(re.findall(rf"event=joined .*id={id_} ", self.told)) >= times

        wait_until(joined, f"{id_} to join")

    @property
    def told(self) -> str:
        """What the directory logged."""
        return self.services["directory"].output

    def leases(self, stream: str = "") -> list[dict[str, str]]:
        """Every lease that the directory gave or ended, in order: stream, encoder, epoch, why."""
        found: list[dict[str, str]] = []
        for line in re.findall(r"event=lease (.*)", self.told):
            fields = dict(re.findall(r"(\w+)=(\S+)", line))
            if stream in ("", fields["stream"]):
                found.append(fields)
        return found

    def holder(self, stream: str) -> Service:
        """The encoder that has the stream now."""

        def held() -> Any:
            leases = self.leases(stream)
            return leases and leases[-1]["encoder"] != "none" and leases[-1]["encoder"]

        return self.services[wait_until(held, f"a lease of {stream}")]

    def close(self) -> None:
        """End everything that was started."""
        for service in reversed(self.services.values()):
            service.end()
        shutil.rmtree(self.runtime_dir, ignore_errors=True)

    def answers(self, port: int, path: str = "/healthz") -> bool:
        """Does the gateway on this port say yes there?"""
        return answers(f"http://127.0.0.1:{port}{path}", token=self.token())
