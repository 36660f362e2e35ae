"""Memory of all services over time: one viewer, a terminal that prints, a screenshot a second."""

import statistics
import time
from typing import Any

from bench.age import loads
from bench.performance import screenshots, stack, usage
from bench.performance.rows import Measured
from bench.performance.settings import Settings
from bench.processes import module, started, x_server

SAMPLES = 120
_BEGINNING = 1 / 4
"""The part of the time in which caches and pools fill; the slope leaves it out."""


def slope(times_h: list[float], values: list[float]) -> float:
    """Return the slope by least squares, as value an hour."""
    return statistics.linear_regression(times_h, values).slope


def lasting(settings: Settings) -> list[Measured]:
    """Measure for `settings.hours`."""
    samples: list[dict[str, Any]] = []
    total_s = settings.hours * 3600
    with (
        x_server(settings.size) as (display, _),
        stack.running(display) as running,
        loads.running("scroll", display),
    ):
        screenshots.wait_for_desk(running.screenshot_port)
        viewer = module(
            "bench.performance.programs.viewers",
            *("--port", str(running.port), "--token", running.token, "--forget"),
        )
        with started(viewer) as process, screenshots.client(running.screenshot_port) as client:
            began = time.monotonic()
            pause_s = max(0.5, total_s / SAMPLES)
            next_s = 0.0
            while (now_s := time.monotonic() - began) < total_s:
                screenshots.fetched(client, {})
                if now_s >= next_s:
                    next_s += pause_s
                    samples.append({"at_s": now_s, **usage.total_memory(running.pids)})
                time.sleep(min(1.0, pause_s))
            if process.poll() is not None:
                raise RuntimeError("the viewer did not stay")
    later = [s for s in samples if s["at_s"] >= _BEGINNING * total_s]
    totals = [s["total"] for s in later]
    details = {"samples": samples, "hours": settings.hours}
    return [
        Measured("memory", [max(totals)], details=details),
        Measured("memory-slope", [slope([s["at_s"] / 3600 for s in later], totals)]),
    ]
