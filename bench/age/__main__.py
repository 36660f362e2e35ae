"""The picture-age meter: `python -m bench.age [--load scroll] [--seconds 10]`.

Starts a 1080p X server, the barcode clock, a load, fanlight and a headless Chromium; prints one
line of JSON: ages of the painted picture, pictures a second, Mbit/s, and each service's share of a
core. With --url it measures another product's page, which must show the display given by --display.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.age import figures, loads

HERE = Path(__file__).parent
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that ends with the block."""
    process: subprocess.Popen[str] = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def x_server(size: str) -> Iterator[str]:
    """A display of its own, as ":N"."""
    reader, writer = os.pipe()
    with started(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    ):
        os.close(writer)
        with os.fdopen(reader) as numbers:
            yield ":" + numbers.readline().strip()


@contextlib.contextmanager
def fanlight(display: str, port: int, log: Path) -> Iterator[tuple[str, int]]:
    """`fanlight up` on a display: its link and its process id."""
    command = [
        str(Path(sys.executable).with_name("fanlight")), "up", "--desk", f"main={display}",
        "--port", str(port), "--screenshot-port", str(port + 1),
    ]  # fmt: skip
    with (
        log.open("w") as output,
        started(command, stdout=subprocess.PIPE, stderr=output) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            link = re.search(r"http://\S+#token=\S+", line)
            if link:
                yield link.group(), process.pid
                return
        raise RuntimeError(f"fanlight did not start: {log.read_text()[-2000:]}")


def cpu_seconds(root: int) -> dict[str, float]:
    """CPU seconds so far of each fanlight service below process `root`, by name."""
    ticks = os.sysconf("SC_CLK_TCK")
    found: dict[str, float] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            arguments = (stat.parent / "cmdline").read_text().split("\0")
            service = next((a for a in arguments if a.startswith("fanlight_")), "")
            if int(fields[1]) != root or not service:
                continue
            seconds = (int(fields[11]) + int(fields[12])) / ticks
            found[service] = found.get(service, 0.0) + seconds
    return found


def measure(page: Page, seconds: float, desk_width: int, root: int, every: int) -> dict[str, Any]:
    """Sample each `every`th animation frame for so long; figures as a JSON object."""
    page.evaluate((HERE / "meter.js").read_text())
    page.evaluate("width => window.__age.setDeskWidth(width)", desk_width)
    page.evaluate("every => window.__age.setEvery(every)", every)
    deadline = time.monotonic() + 20
    while not page.evaluate("window.__age.samples.some(([, stamp]) => stamp >= 0)"):
        if time.monotonic() > deadline:
            raise SystemExit("the page shows no clock: is the display in it, and unscaled?")
        page.wait_for_timeout(100)
    # The first seconds are the codec's and the browser's warming up.
    page.wait_for_timeout(3000)
    page.evaluate("window.__age.samples.length = 0")
    before, began = cpu_seconds(root), time.monotonic()
    stats_before = _stats(page)
    page.wait_for_timeout(seconds * 1000)
    elapsed = time.monotonic() - began
    after, stats_after = cpu_seconds(root), _stats(page)
    samples = page.evaluate("window.__age.samples")
    result: dict[str, Any] = {
        key: round(value, 2) for key, value in dataclasses.asdict(figures.ages(samples)).items()
    }
    result["cpu_percent"] = {
        name.removeprefix("fanlight_"): round(
            100 * (after[name] - before.get(name, 0)) / elapsed, 1
        )
        for name in sorted(after)
    }
    if stats_before and stats_after:
        received = stats_after["video_bytes"] - stats_before["video_bytes"]
        result["mbit_per_s"] = round(received * 8e-6 / elapsed, 2)
        result["viewer_age_ms"] = stats_after["age_ms"]
        painted = stats_after["painted"] - stats_before["painted"]
        result["painted_per_s"] = round(painted / elapsed, 1)
    return result


def _stats(page: Page) -> dict[str, Any] | None:
    stats: dict[str, Any] | None = page.evaluate(
        "() => document.querySelector('fanlight-view')?.stats ?? null"
    )
    return stats


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--load", choices=loads.NAMES, default="scroll")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--rate", type=float, default=60.0, help="clock marks a second")
    parser.add_argument("--every", type=int, default=3, help="read each so many animation frames")
    parser.add_argument("--port", type=int, default=18080)
    parser.add_argument("--display", help="measure this display instead of one of its own")
    parser.add_argument("--url", help="a page that shows --display; default: start fanlight")
    parser.add_argument("--screenshot", help="write a PNG of the page here at the end")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        display = arguments.display or stack.enter_context(x_server(arguments.size))
        painter = [sys.executable, "-m", "bench.age.painter", "--display", display]
        stack.enter_context(started([*painter, "--rate", str(arguments.rate)]))
        for process in loads.start(arguments.load, display):
            stack.callback(process.wait)
            stack.callback(process.terminate)
        root = 0
        url = arguments.url
        if not url:
            log = Path(tempfile.gettempdir()) / f"fanlight-bench-{os.getpid()}.log"
            url, root = stack.enter_context(fanlight(display, arguments.port, log))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS
        )
        stack.callback(browser.close)
        width, height = (int(side) for side in arguments.size.split("x"))
        page = browser.new_page(viewport={"width": width, "height": height + 80})
        page.goto(url)
        result = measure(page, arguments.seconds, width, root, arguments.every)
        if arguments.screenshot:
            page.screenshot(path=arguments.screenshot)
        print(json.dumps({"load": arguments.load, "size": arguments.size, **result}))


if __name__ == "__main__":
    main()
