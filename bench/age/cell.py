"""One run: a system, a load, a link, and the meter in the page; the result is a JSON object."""

import contextlib
import dataclasses
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from bench import browser
from bench.age import figures, loads
from bench.links import Link
from bench.processes import cpu_seconds, module, started
from bench.systems import System
from tests.netlab.lab import Lab

METER = (Path(__file__).parent / "meter.js").read_text()
CLOCK_LIMIT_S = 90.0
POLL_MS = 500


class NoClockError(Exception):
    """The page never showed the barcode."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to measure; times are in seconds."""

    seconds: float = 20.0
    warm_up: float = 10.0
    size: str = "1920x1080"
    rate: float = 30.0
    """How many clock marks the painter paints a second."""
    budget: float = 0.1
    """The share of the page's thread that the meter may take if reading is not cheap."""
    screenshot: str | None = None


def run(system: System, load: str, link: Link, mode: str, settings: Settings) -> dict[str, Any]:
    """Start everything, measure, and end everything. Raises whatever kept it from working."""
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(system.run(settings.size))
        painter = ["--display", running.display, "--rate", str(settings.rate)]
        stack.enter_context(started(module("bench.age.painter", *painter)))
        stack.enter_context(loads.running(load, running.display))
        viewer = stack.enter_context(browser.viewer(link, running.port))
        page = viewer.open(running.path, settings.size)
        result = {
            "system": system.name,
            "load": load,
            "link": str(link),
            "mode": mode,
            "rate": settings.rate,
            "seconds": settings.seconds,
        }
        install(page, settings)
        wait_for_clock(page)
        result |= system.prepare(page, mode)
        page.wait_for_timeout(settings.warm_up * 1000)
        try:
            measured = measure(page, settings.seconds, system, viewer.lab, running.processes)
        finally:
            if settings.screenshot:
                page.screenshot(path=settings.screenshot)
        return result | measured


def install(page: Page, settings: Settings) -> None:
    """Put the meter into the page."""
    width = int(settings.size.partition("x")[0])
    page.evaluate(METER)
    page.evaluate("s => __age.set(s)", {"deskWidth": width, "budget": settings.budget})


def wait_for_clock(page: Page, limit_s: float = CLOCK_LIMIT_S) -> None:
    """Wait until the page shows a clock. Raises NoClockError after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while not page.evaluate("__age.samples.some(([, stamp]) => stamp >= 0)"):
        if time.monotonic() > deadline:
            raise NoClockError(f"the page showed no clock in {limit_s:.0f} s")
        page.wait_for_timeout(100)


def measure(
    page: Page, seconds: float, system: System, lab: Lab | None, processes: tuple[int, ...]
) -> dict[str, Any]:
    """Read the clock for so many seconds, and return the figures as a JSON object."""
    page.evaluate("__age.reset()")
    cpu, stats, began = cpu_seconds(list(processes)), system.stats(page), time.monotonic()
    counters = lab.read() if lab else None
    states: Counter[str] = Counter()
    while (now := time.monotonic()) < began + seconds:
        page.wait_for_timeout(min(POLL_MS, (began + seconds - now) * 1000))
        states[system.stats(page).get("state", "?")] += 1
    elapsed = time.monotonic() - began
    result: dict[str, Any] = {}
    if lab and counters:
        link = lab.read()
        result["mbit_per_s"] = round(link.down.mbit_since(counters.down), 3)
        result["mbit_up_per_s"] = round(link.up.mbit_since(counters.up), 3)
        result["link_late_ms"] = round(link.down.late_ms, 1)
    spent = cpu_seconds(list(processes))
    shares = {name: 100 * (spent[name] - cpu.get(name, 0.0)) / elapsed for name in sorted(spent)}
    result["cpu_percent"] = {name: round(share, 1) for name, share in shares.items()}
    result["cpu_percent_total"] = round(sum(shares.values()), 1)
    result["states"] = dict(states)
    after = system.stats(page)
    if "painted" in stats and "painted" in after:
        result["painted_per_s"] = round((after["painted"] - stats["painted"]) / elapsed, 1)
        result["viewer_age_ms"] = after["age_ms"]
    meter = page.evaluate("__age.figures")
    result["reading_costs_ms"] = round(meter["cost_ms"], 2)
    result["frames_per_s"] = round(meter["frames"] / elapsed, 1)
    ages = figures.ages(page.evaluate("__age.samples"))
    return dataclasses.asdict(ages) | result
