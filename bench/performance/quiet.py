"""What it costs when nothing moves, and when nobody looks."""

import time

from bench import browser, links
from bench.age import loads
from bench.performance import stack, usage
from bench.performance.rows import Measured
from bench.performance.settings import Settings
from bench.processes import x_server


def idle(settings: Settings) -> list[Measured]:
    """A desk on which nothing moves, and a Chromium that shows it."""
    with (
        x_server(settings.size) as (display, _),
        stack.running(display) as running,
        browser.viewer(links.Link(), running.port) as viewer,
    ):
        page = viewer.open(running.link, settings.size)
        page.wait_for_timeout(settings.settle * 1000)
        pids = running.pids
        before, connections = _cpu(pids), usage.traffic(running.port)
        began = time.monotonic()
        page.wait_for_timeout(settings.idle_seconds * 1000)
        seconds = time.monotonic() - began
        spent = {name: 100 * (cpu - before[name]) / seconds for name, cpu in _cpu(pids).items()}
        carried = usage.carried(connections, usage.traffic(running.port))
        state = page.evaluate("document.querySelector('fanlight-view')?.stats?.state")
    details = {"percent_by_service": spent, "seconds": seconds, "viewer": state}
    if state != "video":
        raise RuntimeError(f"the viewer shows no video: {state}")
    return [
        Measured("idle-cpu", [sum(spent.values())], details=details),
        Measured("idle-traffic", [carried.payload_bytes * 8 / 1000 / seconds]),
        Measured("idle-wire", [carried.wire_bytes * 8 / 1000 / seconds]),
    ]


def nobody(settings: Settings) -> list[Measured]:
    """Somebody types and nobody looks, after somebody has looked."""
    with (
        x_server(settings.size) as (display, _),
        stack.running(display) as running,
        loads.running("type", display),
    ):
        seen = stack.watched(
            running.port, running.token, running.pids, seconds=1.0, warm_up=settings.warm_up
        )
        time.sleep(settings.settle)
        pids = running.pids
        grabs, before = running.metric("capture", "fanlight_capture_grabs_total"), _cpu(pids)
        began = time.monotonic()
        time.sleep(settings.idle_seconds / 2)
        seconds = time.monotonic() - began
        spent = {name: 100 * (cpu - before[name]) / seconds for name, cpu in _cpu(pids).items()}
        grabbed = running.metric("capture", "fanlight_capture_grabs_total") - grabs
    details = {
        "percent_by_service": spent,
        "seconds": seconds,
        "grabs_before": grabs,
        "units_before": len(seen.arrivals),
    }
    return [
        Measured("nobody-grabs", [grabbed * 10 / seconds], details=details),
        Measured("nobody-cpu", [sum(spent.values())], details=details),
    ]


def _cpu(pids: dict[str, int]) -> dict[str, float]:
    return {name: usage.cpu_s([pid]) for name, pid in pids.items()}
