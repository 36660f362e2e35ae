"""How long does the picture stand still when an encoder or a gateway ends, dies or hangs?

    python -m bench.failover [--runs 10] [--only encoder-kill gateway-drain] [--tree PATH]

Two encoders, two gateways behind HAProxy, a 640x360 pattern desk of 30 pictures a second and a
headless Chromium run on this machine. Each run prints one line of JSON. `painted_ms` is the longest
time around the event in which the page painted nothing. The event `none` does nothing, and shows
what the machine does by itself. `--tree` takes the services from another working tree, to compare.
"""

import argparse
import contextlib
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.browser import CHROMIUM, FLAGS
from bench.processes import ROOT
from tests.e2e.failover.cluster import Cluster, Service
from tests.e2e.processes import wait_until
from tests.e2e.proxies import Balancer

RESULTS = ROOT / "bench" / "results" / "failover.jsonl"
CALM_S = 3.0
"""Seconds between two events: longer than anything that an event leaves behind."""
AFTER_S = 2.0
DIRECTORY_AWAY_S = 30.0
NOTE_PAINTS = """
  window.paints = [];
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...args) {
    if (this.canvas.isConnected || this.canvas.getRootNode() !== this.canvas)
      window.paints.push(performance.timeOrigin + performance.now());
    return draw.apply(this, args);
  };
"""


SINCE_LAST = "performance.timeOrigin + performance.now() - (window.paints.at(-1) ?? 0)"


class Scene:
    """All services that run, and the page that watches."""

    def __init__(self, cluster: Cluster, page: Page) -> None:
        self.cluster = cluster
        self.page = page

    def encoder(self) -> Service:
        """Return the encoder that has the page's stream now."""
        return self.cluster.holder(f"main/{self.stats()['rendition']}")

    def stats(self) -> dict[str, Any]:
        """Return the page's own statistics."""
        found: dict[str, Any] = self.page.evaluate("document.querySelector('fanlight-view').stats")
        return found

    def wait_calm(self, limit_s: float = 30.0) -> None:
        """Wait until pictures come. Raises RuntimeError after `limit_s`."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            self.page.wait_for_timeout(1000)
            if self.page.evaluate(SINCE_LAST) < 500 and self.stats()["rendition"]:
                return
        raise RuntimeError("no picture comes any more")

    def gateway(self) -> Service:
        """Return the gateway that the page uses now: the one that it joined last."""

        def last_joined(service: Service) -> str:
            lines = [line for line in service.output.splitlines() if "event=viewer_joined" in line]
            return max((line.split()[0] for line in lines), default="")

        return max((self.cluster.services[name] for name in ("g0", "g1")), key=last_joined)


Event = Callable[[Scene], Callable[[], None]]
"""Lets something happen, and returns a function that repairs it afterwards."""


def nothing(scene: Scene) -> Callable[[], None]:
    return lambda: None


def killed(which: Callable[[Scene], Service]) -> Event:
    def event(scene: Scene) -> Callable[[], None]:
        service = which(scene)
        service.kill()
        return service.start

    return event


def ended(which: Callable[[Scene], Service]) -> Event:
    def event(scene: Scene) -> Callable[[], None]:
        service = which(scene)
        service.process.terminate()

        def again() -> None:
            service.process.wait(10)
            service.start()

        return again

    return event


def hung(which: Callable[[Scene], Service]) -> Event:
    def event(scene: Scene) -> Callable[[], None]:
        service = which(scene)
        service.pause()
        return service.resume

    return event


def directory_away(scene: Scene) -> Callable[[], None]:
    service = scene.cluster.services["directory"]
    service.kill()
    scene.page.wait_for_timeout(DIRECTORY_AWAY_S * 1000)
    service.start()
    return lambda: None


EVENTS: dict[str, Event] = {
    "none": nothing,
    "encoder-drain": ended(Scene.encoder),
    "encoder-kill": killed(Scene.encoder),
    "encoder-hang": hung(Scene.encoder),
    "gateway-drain": ended(Scene.gateway),
    "gateway-kill": killed(Scene.gateway),
    "directory-30s": directory_away,
}


@contextlib.contextmanager
def scene(tree: Path | None) -> Iterator[Scene]:
    """Start everything, and end it with the block."""
    environment = {}
    if tree is not None:
        places = [*sorted((tree / "services").iterdir()), *sorted((tree / "libs").iterdir())]
        environment["PYTHONPATH"] = os.pathsep.join(str(place) for place in places)
    with contextlib.ExitStack() as stack:
        cluster = Cluster(**environment)
        stack.callback(cluster.close)
        cluster.directory()
        cluster.desk("main")
        cluster.encoder("e0")
        cluster.encoder("e1")
        cluster.screenshot()
        for name in ("g0", "g1"):
            port = cluster.gateway(name).port
            wait_until(lambda port=port: cluster.answers(port, "/readyz"), "a gateway")
        here = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        balancer = Balancer(here, [cluster.ports["g0"], cluster.ports["g1"]])
        stack.callback(balancer.stop)
        balancer.start()
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.callback(browser.close)
        page = browser.new_page(viewport={"width": 800, "height": 500})
        page.add_init_script(NOTE_PAINTS)
        page.goto(f"http://127.0.0.1:{balancer.port}/?desk=main#token={cluster.token()}")
        yield Scene(cluster, page)


def longest_ms(times_ms: list[float], since_ms: float) -> float:
    """Return the longest time between two paints, the first of which may be before `since_ms`."""
    return max(b - a for a, b in itertools.pairwise(times_ms) if b >= since_ms)


def run(here: Scene, name: str) -> dict[str, Any]:
    """Let an event happen once, and return how long the picture stood still."""
    page = here.page
    page.wait_for_timeout(CALM_S * 1000)
    here.wait_calm()
    page.evaluate("window.paints.length = 0")
    page.wait_for_timeout(500)
    before, since_ms = here.stats()["state"], time.time() * 1000
    put_right = EVENTS[name](here)
    page.wait_for_timeout(AFTER_S * 1000)
    here.wait_calm()
    paints: list[float] = page.evaluate("window.paints")
    put_right()
    return {
        "event": name,
        "painted_ms": round(longest_ms(paints, since_ms)),
        "kept_mode": before == here.stats()["state"] == "video",
        "load": round(os.getloadavg()[0], 1),
    }


def summary(results: list[dict[str, Any]]) -> str:
    """Return a table in Markdown: the median and the worst run of each event."""
    lines = ["| event | runs | median | worst |", "|---|---|---|---|"]
    for name in EVENTS:
        painted = sorted(r["painted_ms"] for r in results if r["event"] == name)
        if painted:
            middle = painted[len(painted) // 2]
            lines.append(f"| {name} | {len(painted)} | {middle} ms | {painted[-1]} ms |")
    return "\n".join(lines)


def main() -> int:
    """Measure, and return in how many runs the viewer left video."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=list(EVENTS), choices=list(EVENTS))
    parser.add_argument("--tree", type=Path, default=None)
    parser.add_argument("--keep", action="store_true", help=f"write {RESULTS.name}, too")
    arguments = parser.parse_args()
    results = []
    with scene(arguments.tree) as here:
        here.page.wait_for_timeout(6000)  # a WebSocket that lasted so long counts as one that works
        for _ in range(arguments.runs):
            for name in arguments.only:
                result = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **run(here, name)}
                results.append(result)
                print(json.dumps(result), flush=True)
    print(summary(results), file=sys.stderr)
    if arguments.keep:
        RESULTS.write_text("".join(json.dumps(result) + "\n" for result in results))
    return sum(not result["kept_mode"] for result in results)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
