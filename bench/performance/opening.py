"""Times from a link, and from the start of `fanlight up`, to a picture, in a Chromium that runs."""

import contextlib
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Request, sync_playwright

from bench import browser, links
from bench.age import loads
from bench.performance import stack
from bench.performance.rows import Measured
from bench.performance.settings import Settings
from bench.processes import x_server

DRAWN = (Path(__file__).parent / "opening.js").read_text()
LIMIT_S = 30.0


def opened(chromium: Browser, url: str, size: str) -> dict[str, Any]:
    """Open a link with an empty cache. Return the ms to the first picture, and to the first video.

    Raises RuntimeError if they do not come.
    """
    width, height = (int(side) for side in size.split("x"))
    context = chromium.new_context(viewport={"width": width, "height": height + 80})
    try:
        page = context.new_page()
        page.add_init_script(DRAWN)
        requests: list[Request] = []
        page.on("requestfinished", lambda request: requests.append(request))
        page.goto(url, wait_until="commit")
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            page.wait_for_timeout(100)
            drawn: dict[str, Any] = page.evaluate("window.__drawn")
            if (drawn["video"] or -1) > 0:
                origin_ms: float = page.evaluate("performance.timeOrigin")
                at_s = (origin_ms + drawn["picture"]) / 1000
                return {**drawn, "picture_at_s": at_s, "requests": _times(requests, origin_ms)}
        raise RuntimeError(f"no video in {LIMIT_S:.0f} s: {drawn}")
    finally:
        context.close()


def _times(requests: list[Request], origin_ms: float) -> list[tuple[str, float, float]]:
    """Return what was fetched: path, begin and end, in ms after the navigation began."""
    found = []
    for request in requests:
        begin = request.timing["startTime"] - origin_ms
        end = begin + max(0.0, request.timing["responseEnd"])
        found.append((urlsplit(request.url).path, round(begin, 1), round(end, 1)))
    return found


def opening(settings: Settings) -> list[Measured]:
    """Measure both several times, on a desk that shows a terminal."""
    pictures, videos, ups = [], [], []
    with contextlib.ExitStack() as exits:
        display, _ = exits.enter_context(x_server(settings.size))
        exits.enter_context(loads.running("type", display))
        playwright = exits.enter_context(sync_playwright())
        viewer = exits.enter_context(browser.viewer(links.Link(), 0, playwright))
        for _ in range(max(1, settings.openings // 2)):
            began = time.time()
            with stack.running(display) as running:
                url = f"http://127.0.0.1:{running.port}{running.link}"
                first = opened(viewer.browser, url, settings.size)
                ups.append(1000 * (first["picture_at_s"] - began))
        with stack.running(display) as running:
            url = f"http://127.0.0.1:{running.port}{running.link}"
            # This one does not count, because `up-picture` has what only the very first viewer
            # pays.
            opened(viewer.browser, url, settings.size)
            for _ in range(settings.openings):
                time.sleep(1)
                result = opened(viewer.browser, url, settings.size)
                pictures.append(result["picture"])
                videos.append(result["video"])
    return [
        Measured("link-picture", pictures, details={"requests_of_last": result["requests"]}),
        Measured("link-video", videos),
        Measured("up-picture", ups),
    ]
