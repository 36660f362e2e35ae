"""Runs fanlight on this machine: a directory, gateways, encoders, and any number of desks.

The desks are synthetic (`FANLIGHT_CAPTURE_SOURCE=pattern`). The bus is ipc, or tcp with CURVE.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ROOT
from bench.scale.usage import Usage
from fanlight_common.core.grants import ALL_DESKS, Grant, Role
from fanlight_common.process import tokens
from tests.ports import free_port

START_LIMIT_S = 120.0
STOP_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """The size and rate of the desks, and how many processes serve them."""

    width: int = 320
    height: int = 180
    fps: float = 5.0
    encoders: int = 4
    gateways: int = 2
    bus: str = "ipc"
    """`ipc`; or `tcp`, with keys, on this machine."""


class Stack:
    """The processes that run, by kind. Nothing runs before `begin`."""

    def __init__(self, deployment: Deployment, directory: Path) -> None:
        self.deployment = deployment
        self.gateway_ports: list[int] = []
        self._directory = directory
        self._processes: defaultdict[str, list[subprocess.Popen[bytes]]] = defaultdict(list)
        self._urls: dict[int, str] = {}
        """The URL of a process's health and metrics, which its log says, by process id."""
        pattern = f"{deployment.width}x{deployment.height}@{deployment.fps:g}"
        self._environment = {
            **os.environ,
            "FANLIGHT_RUNTIME_DIR": str(directory / "run"),
            "FANLIGHT_CAPTURE_SOURCE": "pattern",
            "FANLIGHT_CAPTURE_PATTERN": pattern,
            "FANLIGHT_ENCODER_CODEC": "libx264",
            "FANLIGHT_ENCODER_CAPACITY": "16",
            "FANLIGHT_GATEWAY_SECRET_FILE": str(directory / "secret"),
            "FANLIGHT_LOG_LEVEL": "INFO",
        }
        if deployment.bus == "tcp":
            self._environment |= {
                "FANLIGHT_BUS_DIRECTORY": f"tcp://127.0.0.1:{free_port(2)}",
                "FANLIGHT_BUS_KEYS": str(directory / "keys"),
            }

    def begin(self) -> None:
        """Start everything except desks. Raises RuntimeError if one process does not start."""
        self.start("directory")
        for _ in range(self.deployment.gateways):
            self.gateway_ports.append(free_port())
            self.start("gateway", FANLIGHT_GATEWAY_PORT=str(self.gateway_ports[-1]))
        for number in range(self.deployment.encoders):
            self.start("encoder", FANLIGHT_ID=f"encoder-{number}")
        self.wait()

    def start(self, kind: str, **environment: str) -> None:
        """Start one more process of a kind."""
        log = (self._directory / f"{kind}-{len(self._processes[kind])}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"fanlight_{kind}"],
                cwd=ROOT,
                env={**self._environment, **environment},
                stderr=log,
            )
        self._processes[kind].append(process)

    def desks(self, count: int) -> None:
        """Start desks until there are so many, named d0 and on. None is ever stopped."""
        for number in range(len(self._processes["capture"]), count):
            self.start(
                "capture", FANLIGHT_ID=f"capture-d{number}", FANLIGHT_CAPTURE_DESK=f"d{number}"
            )
        self.wait()

    def wait(self) -> None:
        """Wait until all of them serve. Raises RuntimeError if one does not."""
        deadline = time.monotonic() + START_LIMIT_S
        for kind, processes in self._processes.items():
            for number, process in enumerate(processes):
                log = self._directory / f"{kind}-{number}.log"
                while process.pid not in self._urls:
                    found = re.search(r"event=start .*health=(\S+)", log.read_text())
                    if found:
                        self._urls[process.pid] = found[1]
                    elif process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"{kind} did not start: {log.read_text()[-2000:]}")
                    else:
                        time.sleep(0.05)

    def usage(self) -> dict[str, list[Usage]]:
        """Return what each process uses now, by kind."""
        return {
            kind: [Usage.of(process.pid) for process in processes]
            for kind, processes in self._processes.items()
        }

    def metrics(self, kind: str) -> dict[str, float]:
        """Return counters and gauges of a kind, summed over its processes, by name and labels."""
        sums: defaultdict[str, float] = defaultdict(float)
        for metrics in self.metrics_each(kind):
            for name, value in metrics.items():
                sums[name] += value
        return dict(sums)

    def metrics_each(self, kind: str) -> list[dict[str, float]]:
        """Return the counters and gauges of each process of a kind."""
        found = []
        for process in self._processes[kind]:
            with urllib.request.urlopen(f"{self._urls[process.pid]}/metrics", timeout=20) as answer:
                lines = answer.read().decode().splitlines()
            pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
            found.append({name: float(value) for name, value in pairs})
        return found

    def token(self) -> str:
        """Return a token that may watch every desk."""
        secret = tokens.load_secret(self._directory / "secret")
        now = time.time()
        grant = Grant(Role.VIEW, ALL_DESKS, int(now) + 86_400)
        return tokens.issue(secret, grant, now)

    def end(self) -> None:
        """Stop all processes, gateways first, as an operator would."""
        for kind in ("gateway", "encoder", "capture", "directory"):
            for process in self._processes[kind]:
                process.terminate()
            for process in self._processes[kind]:
                try:
                    process.wait(STOP_LIMIT_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@contextlib.contextmanager
def running(deployment: Deployment) -> Iterator[Stack]:
    """Run a stack, which has no desk yet, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="fl-") as directory:
        stack = Stack(deployment, Path(directory))
        try:
            stack.begin()
            yield stack
        finally:
            stack.end()
