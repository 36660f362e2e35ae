"""Chromium on the far side of a link, or here."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from bench.links import Link
from tests.netlab.lab import Lab

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No sound card here, and who waits for a click before it plays is not measured for that.
    "--autoplay-policy=no-user-gesture-required",
]
OPEN_LIMIT_MS = 120_000


@dataclass(frozen=True, slots=True)
class Viewer:
    """A browser, and the link before it."""

    browser: Browser
    lab: Lab | None
    base: str

    def open(self, path: str, size: str) -> Page:
        """A page that holds the whole desk and a bar above it."""
        width, height = (int(side) for side in size.split("x"))
        page = self.browser.new_page(viewport={"width": width, "height": height + 80})
        page.set_default_timeout(OPEN_LIMIT_MS)
        page.goto(self.base + path, wait_until="commit")
        return page


@contextlib.contextmanager
def viewer(link: Link, port: int, playwright: Playwright | None = None) -> Iterator[Viewer]:
    """A browser behind the link for a server on `port`. A thread can have one `playwright` only."""
    with contextlib.ExitStack() as stack:
        lab = None if link.is_local else stack.enter_context(Lab(**link.conditions))
        if playwright is None:
            playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=lab.wrapper(CHROMIUM) if lab else CHROMIUM,
            args=[*FLAGS, lab.secure(port)] if lab else FLAGS,
        )
        stack.callback(browser.close)
        yield Viewer(browser, lab, lab.url(port) if lab else f"http://127.0.0.1:{port}")
