"""One gateway and 500 viewers, in turn with plain writes of the same bytes to as many sockets.

The gateway is a real process on a real bus. A feeder (`feeder`) stands in for the encoder, and raw
sockets in one other process (`viewers`) for the browsers; they acknowledge every unit and ping.
"""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.age import figures
from bench.performance import stack
from bench.performance.rows import Measured
from bench.performance.settings import Settings
from bench.processes import module, started, wait_for_server
from fanlight_common.core.grants import ALL_DESKS, Grant, Role
from fanlight_common.process import tokens
from tests.ports import free_port

RATE, SIZE_BYTES = 60, 20_000
_TOKEN_S = 3600


@dataclass(frozen=True, slots=True)
class Server:
    """What sends units. It does so at full rate once `go` was called."""

    port: int
    pid: int
    token: str
    go: Callable[[], None]
    health: str = ""
    """The base URL of its metrics; "" if it has none."""


@contextlib.contextmanager
def gateway() -> Iterator[Server]:
    """Start a gateway and a feeder, and end them with the block."""
    with contextlib.ExitStack() as exits:
        runtime = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="fl-")))
        feeder = exits.enter_context(
            started(
                module("bench.performance.programs.feeder",
                       "--runtime", str(runtime), "--rate", str(RATE), "--bytes", str(SIZE_BYTES)),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
        )  # fmt: skip
        assert feeder.stdin is not None
        assert feeder.stdout is not None
        exits.callback(feeder.stdin.close)
        feeder.stdout.readline()
        port, health, secret = free_port(), free_port(), runtime / "secret"
        process = exits.enter_context(
            started(
                module("fanlight_gateway"),
                env={
                    **os.environ,
                    "FANLIGHT_RUNTIME_DIR": str(runtime),
                    "FANLIGHT_ID": "gateway",
                    "FANLIGHT_HEALTH_PORT": str(health),
                    "FANLIGHT_LOG_LEVEL": "WARNING",
                    "FANLIGHT_GATEWAY_PORT": str(port),
                    "FANLIGHT_GATEWAY_SECRET_FILE": str(secret),
                },
            )
        )
        wait_for_server(port, process)
        now = time.time()
        grant = Grant(Role.CONTROL, ALL_DESKS, int(now) + _TOKEN_S)
        token = tokens.issue(tokens.load_secret(secret), grant, now)

        def go() -> None:
            assert feeder.stdin is not None
            feeder.stdin.write("go\n")
            feeder.stdin.flush()

        yield Server(port, process.pid, token, go, f"http://127.0.0.1:{health}")


@contextlib.contextmanager
def plain_writes(sockets: int) -> Iterator[Server]:
    """Start the limit, which writes to so many sockets, and end it with the block."""
    command = module(
        "bench.limit", "writes", "--sockets", str(sockets), "--rate", str(RATE),
        "--bytes", str(SIZE_BYTES),
    )  # fmt: skip
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield Server(int(process.stdout.readline()), process.pid, "", lambda: None)


def turn(settings: Settings, *, raw: bool) -> dict[str, Any]:
    """Measure one turn. Raises RuntimeError if no unit came."""
    running = plain_writes(settings.viewers) if raw else gateway()
    with running as server:
        result = stack.watched(
            server.port,
            server.token,
            {"server": server.pid},
            seconds=settings.seconds,
            warm_up=settings.warm_up + 1,
            count=settings.viewers,
            raw=raw,
            when_ready=server.go,
        )
        drops = stack.labelled(server.health, "fanlight_gateway_units_dropped") if not raw else {}
    return {**figures_of(result, settings.viewers), "drops": drops}


def figures_of(result: stack.Watched, viewers: int) -> dict[str, Any]:
    """Return the figures of one turn. Raises RuntimeError if nothing came.

    A unit that not all viewers got counts as long as the turn.
    """
    if not result.arrivals:
        raise RuntimeError("no unit came")
    numbers = [a.sequence for a in result.arrivals]
    units = max(numbers) - min(numbers) + 1
    whole = [a for a in result.arrivals if a.count == viewers]
    spreads = sorted((a.last_us - a.first_us) / 1000 for a in whole)
    spreads += [1000 * result.seconds] * (units - len(whole))
    deliveries = sum(a.count for a in result.arrivals)
    return {
        "cpu_us": 1e6 * result.cpu_s["server"] / deliveries,
        "cpu_percent": 100 * result.cpu_s["server"] / result.seconds,
        "viewers_cpu_percent": 100 * result.cpu_s["viewers"] / result.seconds,
        "spread_p95_ms": figures.percentile(spreads, 0.95),
        "spread_median_ms": figures.percentile(spreads, 0.5),
        "units_per_s": units / result.seconds,
        "whole_percent": 100 * len(whole) / units,
        "delivered_percent": 100 * deliveries / units / viewers,
        "percentiles_ms": [figures.percentile(spreads, share / 100) for share in range(101)],
    }


def fanout(settings: Settings) -> list[Measured]:
    """Measure the gateway and the limit in turns."""
    limits, turns = [], []
    for _ in range(settings.rounds):
        limits.append(turn(settings, raw=True))
        turns.append(turn(settings, raw=False))
    keys = ("spread_p95_ms", "cpu_us", "delivered_percent")
    names = ("fanout-spread", "fanout-cpu", "fanout-delivered")
    details = {"turns": turns, "limits": limits}
    return [
        Measured(
            name,
            [t[key] for t in turns],
            [limit[key] for limit in limits],
            "plain writes",
            details if name == "fanout-spread" else {},
        )
        for name, key in zip(names, keys, strict=True)
    ]
