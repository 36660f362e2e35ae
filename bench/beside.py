"""Does a viewer on a bad link make the picture older for a healthy one?

    python -m bench.beside [--load clip] [--seconds 20]

It measures ages at a viewer on this machine, in four phases: alone; beside a second viewer that is
as healthy (which shows what one more browser costs on the same two cores); beside a viewer on the
bad link, from the moment when that one opens its page; and beside that one after a click on retry.
It prints one line of JSON with the figures and their ratios to those of the viewer alone.
"""

import argparse
import contextlib
import json
from typing import Any

from playwright.sync_api import sync_playwright

from bench import browser, links, table
from bench.age import cell, loads
from bench.processes import module, started
from bench.systems import Fanlight, Running

PHASES = ("alone", "healthy", "opens", "retry")


def measure(load: str, link: links.Link, settings: cell.Settings) -> dict[str, Any]:
    """Return the figures of all phases, measured on one desk and one healthy page."""
    system = Fanlight()
    phases: dict[str, dict[str, Any]] = {}
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(system.run(settings.size))
        painter = ["--display", running.display, "--rate", str(settings.rate)]
        stack.enter_context(started(module("bench.age.painter", *painter)))
        stack.enter_context(loads.running(load, running.display))
        playwright = stack.enter_context(sync_playwright())
        near = stack.enter_context(browser.viewer(links.Link(), running.port, playwright))
        page = near.open(running.path, settings.size)
        cell.install(page, settings)
        cell.wait_for_clock(page)
        for phase in PHASES:
            with contextlib.ExitStack() as other:
                told: dict[str, Any] = {}
                if phase == "alone":
                    page.wait_for_timeout(settings.warm_up * 1000)
                else:
                    place = links.Link() if phase == "healthy" else link
                    second = other.enter_context(
                        browser.viewer(place, running.port, playwright)
                    ).open(running.path, settings.size)
                    if phase != "opens":
                        second.wait_for_timeout(settings.warm_up * 1000)
                        told = system.prepare(second, "retry" if phase == "retry" else "open")
                phases[phase] = told | _ages(page, settings.seconds, system, running)
    return phases


def _ages(page: Any, seconds: float, system: Fanlight, running: Running) -> dict[str, Any]:
    result = cell.measure(page, seconds, system, None, running.processes)
    wanted = ("median_ms", "p95_ms", "p99_ms", "max_ms", "painted_per_s", "states")
    return {key: result[key] for key in (*wanted, "cpu_percent_total") if key in result}


def ratios(phases: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return median and 95th percentile of each phase, divided by those of the viewer alone."""
    alone = phases["alone"]
    return {
        phase: {key: round(phases[phase][key] / alone[key], 2) for key in ("median_ms", "p95_ms")}
        for phase in phases
        if phase != "alone"
    }


def main() -> None:
    """Measure as the command line says."""
    defaults = cell.Settings()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--load", choices=loads.NAMES, default="clip")
    parser.add_argument("--link", type=links.parse, default=table.HALF, help="of the bad one")
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="of each phase")
    parser.add_argument("--warm-up", type=float, default=defaults.warm_up)
    arguments = parser.parse_args()
    settings = cell.Settings(seconds=arguments.seconds, warm_up=arguments.warm_up)
    phases = measure(arguments.load, arguments.link, settings)
    about = {"load": arguments.load, "link": str(arguments.link)}
    print(json.dumps({**about, "phases": phases, "ratios": ratios(phases)}))


if __name__ == "__main__":
    main()
