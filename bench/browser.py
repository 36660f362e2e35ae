"""Chromium on the far side of a link, or on this side."""

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
    # There is no sound card here. Without this flag, a page could wait for a click before it plays.
    "--autoplay-policy=no-user-gesture-required",
]
OPEN_LIMIT_MS = 120_000


@dataclass(frozen=True, slots=True)
class Viewer:
    """A browser, the laboratory that is the link before it (if any), and the server's base URL."""

    browser: Browser
    lab: Lab | None
    base: str

    def open(self, path: str, size: str) -> Page:
        """Open a page that has room for the whole desk and a bar above it."""
        width, height = (int(side) for side in size.split("x"))
        page = self.browser.new_page(viewport={"width": width, "height": height + 80})
        page.set_default_timeout(OPEN_LIMIT_MS)
        page.goto(self.base + path, wait_until="commit")
        return page


@contextlib.contextmanager
def viewer(link: Link, port: int, playwright: Playwright | None = None) -> Iterator[Viewer]:
    """Start a browser behind the link, for a server on `port`, and end it with the block.

    A thread can have only one `playwright`, so a second viewer has to be given the first one's.
    """
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
