"""Runs `fanlight up`, and viewers and limits beside it, and reads its processes and metrics."""

import contextlib
import json
import re
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.performance import usage
from bench.performance.programs.viewers import Arrival
from bench.processes import module, started
from tests.ports import free_port

START_LIMIT_S = 60.0
ATTEMPTS = 4


class Stack:
    """A running `fanlight up` with one desk, `main`."""

    def __init__(self, root: int, port: int, screenshot_port: int, link: str, log: Path) -> None:
        self.root = root
        self.port = port
        self.screenshot_port = screenshot_port
        self.link = link
        """Path and token, for a browser on this machine."""
        self.token = link.partition("#token=")[2]
        self._log = log

    @property
    def pids(self) -> dict[str, int]:
        """Return its processes by name, the launcher included."""
        return usage.children(self.root)

    def metric(self, service: str, name: str) -> float:
        """Return a metric of the first process of a service, as the sum over all labels."""
        found = re.search(rf"event=start kind={service} \S* ?health=(\S+)", self._log.read_text())
        if not found:
            raise RuntimeError(f"{service} has not told where its metrics are")
        text = _metrics(found.group(1))
        values = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.M)
        return sum(float(value) for value in values)


def _metrics(health: str) -> str:
    with urllib.request.urlopen(health + "/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def labelled(health: str, name: str) -> dict[str, float]:
    """Return a counter of a process by the values of its labels. Raises OSError."""
    found = re.findall(rf"^{name}_total\{{([^}}]*)\}} (\S+)$", _metrics(health), re.M)
    return {",".join(re.findall(r'"([^"]*)"', labels)): float(value) for labels, value in found}


@contextlib.contextmanager
def running(display: str, **environment: str) -> Iterator[Stack]:
    """Run it until the block ends. Raises RuntimeError if it does not start."""
    from bench.systems import environment as with_display

    port, screenshot_port = free_port(), free_port()
    command = [
        ".venv/bin/fanlight", "up", "--desk", f"main={display}",
        "--port", str(port), "--screenshot-port", str(screenshot_port),
    ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(tempfile.NamedTemporaryFile("w+", prefix="fanlight-bench-"))
        out = stack.enter_context(tempfile.NamedTemporaryFile("w+", prefix="fanlight-bench-"))
        env = {**with_display(display), **environment}
        process = stack.enter_context(started(command, stdout=out, stderr=log, env=env))
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and process.poll() is None:
            link = re.search(r"http://[^/\s]+(/\S*#token=\S+)", Path(out.name).read_text())
            if link:
                yield Stack(process.pid, port, screenshot_port, link.group(1), Path(log.name))
                return
            time.sleep(0.01)
        raise RuntimeError(f"fanlight did not start: {Path(log.name).read_text()[-2000:]}")


@dataclass(frozen=True, slots=True)
class Watched:
    """What viewers got in a window of time, and the CPU that it took."""

    arrivals: tuple[Arrival, ...]
    seconds: float
    cpu_s: Mapping[str, float]
    """CPU seconds by process."""


def watched(
    port: int,
    token: str,
    pids: Mapping[str, int],
    *,
    seconds: float,
    warm_up: float,
    count: int = 1,
    raw: bool = False,
    when_ready: Callable[[], None] = lambda: None,
) -> Watched:
    """Let so many viewers watch for so long. Raises RuntimeError if they cannot.

    `when_ready` is called before the warm-up, once each viewer has had a unit.
    """
    command = module(
        "bench.performance.programs.viewers",
        *("--port", str(port), "--token", token, "--count", str(count)),
        *(["--raw"] if raw else []),
    )
    with contextlib.ExitStack() as stack:
        for attempt in range(ATTEMPTS):
            # A gateway that has just started tells viewers to come back later.
            time.sleep(attempt)
            process = stack.enter_context(started(command, stdout=subprocess.PIPE))
            assert process.stdout is not None
            if process.stdout.readline().strip() == "ready":
                break
        else:
            raise RuntimeError("the viewers got no picture")
        when_ready()
        time.sleep(warm_up)
        began_us = time.monotonic_ns() // 1000
        pids = {**pids, "viewers": process.pid}
        before = {name: usage.cpu_s([pid]) for name, pid in pids.items()}
        time.sleep(seconds)
        spent = {name: usage.cpu_s([pid]) - before[name] for name, pid in pids.items()}
        ended_us = time.monotonic_ns() // 1000
        process.terminate()
        assert process.stdout is not None
        rows = json.loads(process.stdout.read() or "null")
    if rows is None:
        raise RuntimeError("the viewers ended before their time")
    arrivals = (Arrival(*row) for row in rows)
    # Units that were on their way when the window closed are not complete everywhere.
    within = tuple(a for a in arrivals if began_us <= a.first_us < ended_us - 100_000)
    return Watched(within, (ended_us - began_us) / 1e6, spent)


def limit(what: str, display: str, seconds: float, rate: float = 60.0) -> dict[str, Any]:
    """Run a limit loop (`pictures`, `screenshots`) on this display. Raises CalledProcessError."""
    command = module(
        "bench.limit", what, *("--display", display, "--seconds", str(seconds)),
        *("--rate", str(rate)),
    )  # fmt: skip
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, Any] = json.loads(text)
    return result
