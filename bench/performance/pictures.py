"""Latency and CPU of a picture, in turn with the limit loop on the same display.

Fanlight runs all the time. Without a viewer it does nothing, so the limit loop has the machine to
itself. In fanlight's turn, a viewer of raw sockets (`viewers`) watches at the gateway.
"""

import dataclasses
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.age import figures, loads
from bench.performance import stack, usage
from bench.performance.programs.viewers import Arrival
from bench.performance.rows import Measured
from bench.performance.settings import Settings
from bench.processes import x_server

_PATCH, _IDR = 2, 1
_AGAIN_US = 1000
"""A unit that shows nothing new has a time stamp one microsecond after that of the unit before."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn of fanlight measured."""

    ages_ms: Sequence[float]
    """Time from the grab until the viewer has the whole unit, of each picture's first unit,
    sorted."""
    cpu_ms: float
    """CPU of capture and encoder for a picture."""
    parts: dict[str, Any]

    @property
    def median_ms(self) -> float:
        return statistics.median(self.ages_ms)


def fresh(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return the units that show something new."""
    newest, found = 0, []
    for arrival in sorted(arrivals, key=lambda a: a.sequence):
        if arrival.captured_us > newest + _AGAIN_US:
            found.append(arrival)
        newest = max(newest, arrival.captured_us)
    return found


def turn(running: stack.Stack, seconds: float, warm_up: float) -> Turn:
    """Let one viewer watch, and measure. Raises RuntimeError if nothing came."""
    pids = running.pids
    result = stack.watched(running.port, running.token, pids, seconds=seconds, warm_up=warm_up)
    pictures = fresh(result.arrivals)
    if not pictures:
        raise RuntimeError("no picture came")
    ages = sorted((a.last_us - a.captured_us) / 1000 for a in pictures)
    spent = {name: 1000 * cpu / len(pictures) for name, cpu in result.cpu_s.items() if name in pids}
    return Turn(
        ages,
        spent["capture"] + spent["encoder"],
        {
            "pictures_per_s": len(pictures) / result.seconds,
            "units_per_s": len(result.arrivals) / result.seconds,
            "patches": sum(bool(a.flags & _PATCH) for a in pictures) / len(pictures),
            "idrs": sum(bool(a.flags & _IDR) for a in pictures),
            "unit_bytes": statistics.median(a.size_bytes for a in pictures),
            "cpu_ms_by_service": spent,
        },
    )


def compare(
    load: str, settings: Settings, latency: str | None, cpu: str, **environment: str
) -> list[Measured]:
    """Measure limit and fanlight in turns under one load, for the figures `latency` and `cpu`."""
    limits, turns = [], []
    with (
        x_server(settings.size) as (display, server),
        stack.running(display, **environment) as running,
        loads.running(load, display),
    ):
        for _ in range(settings.rounds):
            limits.append(stack.limit("pictures", display, settings.seconds))
            before = usage.cpu_s([server])
            turns.append(turn(running, settings.seconds, settings.warm_up))
            turns[-1].parts["x_server_s"] = usage.cpu_s([server]) - before
    details = {
        "load": load,
        "turns": [t.parts for t in turns],
        "limits": [{k: v for k, v in each.items() if k != "percentiles_ms"} for each in limits],
    }
    found = [
        Measured(
            cpu, [t.cpu_ms for t in turns], [each["cpu_ms"] for each in limits], details=details
        )
    ]
    if latency is not None:
        ages = sorted(age for t in turns for age in t.ages_ms)
        curve = [figures.percentile(ages, share / 100) for share in range(101)]
        found.insert(
            0,
            Measured(
                latency,
                [t.median_ms for t in turns],
                [each["median_ms"] for each in limits],
                details={
                    "percentiles_ms": curve,
                    "limit_percentiles_ms": limits[-1]["percentiles_ms"],
                },
            ),
        )
    return found


def printing(settings: Settings) -> list[Measured]:
    """Measure while a terminal prints 60 lines a second."""
    return compare("scroll", settings, "unit", "cpu")


def printing_h264(settings: Settings) -> list[Measured]:
    """Measure the same with patches switched off, so that each picture is converted and encoded."""
    fewer = dataclasses.replace(settings, rounds=max(1, settings.rounds - 1))
    return compare("scroll", fewer, "unit-h264", "cpu-h264", FANLIGHT_ENCODER_PATCHES="false")


def typing(settings: Settings) -> list[Measured]:
    """Measure while a few hundred pixels change ten times a second."""
    return compare("type", settings, None, "typing")
