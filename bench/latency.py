"""How long does input take from the far browser to an X client, while video fills the link?

    python -m bench.latency [--link 2/100] [--mode open] [--seconds 20]

Keys, clicks and moves follow each other at random intervals. A time begins when the browser gets
the event and ends when the client does; both read this machine's one clock. Each link prints one
line of JSON: milliseconds, and the limit, which is one way of the link and 50 ms. Without --link,
it measures the links of the table.
"""

import argparse
import contextlib
import json
import random
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from playwright.sync_api import Page

from bench import browser, links, table
from bench.age import cell, figures, loads
from bench.processes import module, started
from bench.systems import Fanlight

ALLOWANCE_MS = 50.0
LOST_LIMIT_S = 5.0
NAMES = {"keydown": "key", "pointerdown": "button", "pointermove": "motion"}

# The listener is on the window and captures, so it runs long before the viewer's. An event's time
# stamp is used, so that waiting for the page's thread counts.
RECORDER = """names => {
  window.__sent = [];
  const record = event => window.__sent.push(
    [names[event.type], Date.now() - (performance.now() - event.timeStamp)]);
  for (const name of Object.keys(names)) addEventListener(name, record, { capture: true });
}"""


def run(load: str, row: table.Row, seconds: float, warm_up: float) -> dict[str, Any]:
    """Return the latencies behind one link."""
    settings, system = cell.Settings(), Fanlight()
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(system.run(settings.size))
        painter = ["--display", running.display, "--rate", str(settings.rate)]
        stack.enter_context(started(module("bench.age.painter", *painter)))
        stack.enter_context(loads.running(load, running.display))
        command = module("bench.xevents", "--display", running.display)
        client = stack.enter_context(started(command, stdout=subprocess.PIPE))
        assert client.stdout is not None
        client.stdout.readline()
        viewer = stack.enter_context(browser.viewer(row.link, running.port))
        page = viewer.open(running.path, settings.size)
        cell.install(page, settings)
        cell.wait_for_clock(page)
        result = system.prepare(page, row.mode)
        # The meter is not needed any more, so it gets almost no time from here on.
        page.evaluate("s => __age.set(s)", {"deskWidth": 1920, "budget": 1e-6})
        page.mouse.click(960, 600)
        page.wait_for_timeout(warm_up * 1000)
        page.evaluate(RECORDER, NAMES)
        counters = viewer.lab.read() if viewer.lab else None
        began_ms = time.time() * 1000
        act(page, seconds)
        if viewer.lab and counters:
            result["mbit_per_s"] = round(viewer.lab.read().down.mbit_since(counters.down), 3)
        result["state"] = system.stats(page).get("state")
        page.wait_for_timeout(LOST_LIMIT_S * 1000)
        sent = page.evaluate("__sent")
        client.terminate()
        lines = [line.split() for line in client.stdout.read().splitlines()]
        came = [(kind, float(at)) for kind, at in lines if float(at) > began_ms]
    limit = row.link.rtt_ms / 2 + ALLOWANCE_MS
    return result | {"limit_ms": limit, **latencies(sent, came)}


def act(page: Page, seconds: float) -> None:
    """Press keys, click and move for so many seconds."""
    rng, deadline, turn = random.Random(1), time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        turn += 1
        if turn % 3 == 0:
            page.keyboard.press("abcdefgh"[turn % 8])
        elif turn % 3 == 1:
            page.mouse.move(600 + turn % 700, 600)
        else:
            page.mouse.down()
            page.mouse.up()
        page.wait_for_timeout(rng.uniform(30, 130))


def latencies(
    sent: Sequence[tuple[str, float]], came: Sequence[tuple[str, float]]
) -> dict[str, Any]:
    """Return figures of what was sent and what came, matched by order.

    Raises ValueError if some was lost.
    """
    found: dict[str, list[float]] = {}
    for kind in NAMES.values():
        starts = [at for name, at in sent if name == kind]
        ends = [at for name, at in came if name == kind]
        if len(starts) != len(ends):
            raise ValueError(f"{kind}: {len(starts)} were sent and {len(ends)} came")
        found[kind] = [end - start for start, end in zip(starts, ends, strict=True)]
    every = [value for values in found.values() for value in values]
    return {"events": len(every), **_figures(every)} | {
        f"{kind}_p95_ms": _figures(values)["p95_ms"] for kind, values in found.items() if values
    }


def _figures(values: Sequence[float]) -> Mapping[str, float]:
    ordered = sorted(values)
    shares = {"median_ms": 0.5, "p95_ms": 0.95, "max_ms": 1.0}
    return {name: round(figures.percentile(ordered, share), 1) for name, share in shares.items()}


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--load", choices=loads.NAMES, default="clip")
    parser.add_argument("--link", type=links.parse, help="none or MBIT/RTT")
    parser.add_argument("--mode", choices=("open", "fallback", "retry"), default="open")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--warm-up", type=float, default=10.0)
    arguments = parser.parse_args()
    rows = list(table.FANLIGHT_ROWS)
    if arguments.link:
        rows = [table.Row("", arguments.link, arguments.mode)]
    for row in rows:
        result = run(arguments.load, row, arguments.seconds, arguments.warm_up)
        about = {"load": arguments.load, "link": str(row.link), "mode": row.mode}
        print(json.dumps(about | result), flush=True)


if __name__ == "__main__":
    main()
