"""What fanlight costs while nothing moves, and while nobody watches."""

import time
from typing import Any

from bench import browser, links
from bench.age import loads
from bench.performance import stack, usage
from bench.performance.rows import Measured
from bench.performance.settings import Settings
from bench.processes import x_server


class _Window:
    """Measures what processes spend from its construction to `end`."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._began = time.monotonic()
        self._cpu = {name: usage.cpu_s([pid]) for name, pid in pids.items()}
        self._wakeups = {name: usage.wakeups(pid) for name, pid in pids.items()}

    def end(self) -> dict[str, Any]:
        """Return seconds, percent of a core and wake-ups a second, by service and in all."""
        seconds = time.monotonic() - self._began
        spent = {name: usage.cpu_s([pid]) - self._cpu[name] for name, pid in self._pids.items()}
        woken = {n: usage.wakeups(pid) - self._wakeups[n] for n, pid in self._pids.items()}
        return {
            "seconds": seconds,
            "percent": 100 * sum(spent.values()) / seconds,
            "percent_by_service": {name: 100 * s / seconds for name, s in spent.items()},
            "wakeups_per_s": {name: count / seconds for name, count in woken.items()},
        }


def idle(settings: Settings) -> list[Measured]:
    """Measure a desk on which nothing moves while a Chromium shows it."""
    with (
        x_server(settings.size) as (display, _),
        stack.running(display) as running,
        browser.viewer(links.Link(), running.port) as viewer,
    ):
        page = viewer.open(running.link, settings.size)
        page.wait_for_timeout(settings.settle * 1000)
        window, connections = _Window(running.pids), usage.traffic(running.port)
        page.wait_for_timeout(settings.idle_seconds * 1000)
        spent = window.end()
        carried = usage.carried(connections, usage.traffic(running.port))
        state = page.evaluate("document.querySelector('fanlight-view')?.stats?.state")
    seconds = spent["seconds"]
    if state != "video":
        raise RuntimeError(f"the viewer shows no video: {state}")
    return [
        Measured("idle-cpu", [spent["percent"]], details=spent),
        Measured("idle-traffic", [carried.payload_bytes * 8 / 1000 / seconds]),
        Measured("idle-wire", [carried.wire_bytes * 8 / 1000 / seconds]),
    ]


def nobody(settings: Settings) -> list[Measured]:
    """Measure a desk on which somebody types after its viewer has left."""
    with (
        x_server(settings.size) as (display, _),
        stack.running(display) as running,
        loads.running("type", display),
    ):
        seen = stack.watched(
            running.port, running.token, running.pids, seconds=1.0, warm_up=settings.warm_up
        )
        time.sleep(settings.settle / 2)
        grabs = running.metric("capture", "fanlight_capture_grabs_total")
        window = _Window(running.pids)
        time.sleep(settings.idle_seconds / 2)
        spent = window.end()
        grabbed = running.metric("capture", "fanlight_capture_grabs_total") - grabs
    details = {**spent, "grabs_before": grabs, "units_before": len(seen.arrivals)}
    return [
        Measured("nobody-grabs", [grabbed * 10 / spent["seconds"]], details=details),
        Measured("nobody-cpu", [spent["percent"]], details=details),
    ]
