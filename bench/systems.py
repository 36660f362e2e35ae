"""The systems that can be measured: each shows a display in a page that it serves.

This module has fanlight and any page that somebody else runs; `bench/peers/` has the others. A
system owns its display, because a VNC server brings one along.
"""

import contextlib
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import Page

from bench.processes import started, x_server
from tests.ports import free_port

FALLBACK_LIMIT_S = 60.0
RETRY_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A system that runs: its display, its page's port and path, the processes whose CPU counts."""

    display: str
    port: int
    path: str
    processes: tuple[int, ...] = ()


class System(Protocol):
    """A system that shows a display in a page."""

    name: str

    def run(self, size: str) -> contextlib.AbstractContextManager[Running]:
        """Run it until the block ends, with a display of this size; every host can reach it."""
        ...

    def prepare(self, page: Page, mode: str) -> dict[str, Any]:
        """Bring the open page into the mode that is to be measured, and return what came of it."""
        ...

    def stats(self, page: Page) -> dict[str, Any]:
        """Return what the page itself says: its `state`, and counters."""
        ...


class Fanlight:
    """`fanlight up` on an Xvfb. Its modes are `open`, `fallback` and `retry`."""

    name = "fanlight"

    def __init__(self, display: str = "") -> None:
        self._display = display

    @contextlib.contextmanager
    def run(self, size: str) -> Iterator[Running]:
        """Run it, with a display of its own unless the constructor was given one."""
        port, screenshot_port = free_port(), free_port()
        with contextlib.ExitStack() as stack:
            display = self._display or stack.enter_context(x_server(size))[0]
            command = [
                ".venv/bin/fanlight", "up", "--desk", f"main={display}", "--host", "0.0.0.0",
                "--port", str(port), "--screenshot-port", str(screenshot_port),
            ]  # fmt: skip
            log = stack.enter_context(tempfile.NamedTemporaryFile("w+", prefix="fanlight-bench-"))
            process = stack.enter_context(started(command, stdout=subprocess.PIPE, stderr=log))
            assert process.stdout is not None
            for line in process.stdout:
                link = re.search(r"http://[^/]+(/\S*#token=\S+)", line)
                if link:
                    yield Running(display, port, link.group(1), (process.pid,))
                    return
            raise RuntimeError(f"fanlight did not start: {Path(log.name).read_text()[-2000:]}")

    def prepare(self, page: Page, mode: str) -> dict[str, Any]:
        """Wait for the fallback in `fallback` and `retry`, and in `retry` ask for video then."""
        told: dict[str, Any] = {}
        if mode in ("fallback", "retry"):
            told["fallback_after_s"] = self._wait(page, ("locked",), FALLBACK_LIMIT_S)
        if mode == "retry" and told["fallback_after_s"] is not None:
            page.evaluate("document.querySelector('fanlight-view').retry()")
            told["video_after_s"] = self._wait(page, ("video",), RETRY_LIMIT_S)
        return told

    def stats(self, page: Page) -> dict[str, Any]:
        """Return the viewer's own statistics."""
        stats: dict[str, Any] | None = page.evaluate(
            "() => document.querySelector('fanlight-view')?.stats ?? null"
        )
        return stats or {}

    def _wait(self, page: Page, states: tuple[str, ...], limit_s: float) -> float | None:
        """Return after how many seconds it is in one of these states; None after `limit_s`."""
        began = time.monotonic()
        while time.monotonic() - began < limit_s:
            if self.stats(page).get("state") in states:
                return round(time.monotonic() - began, 1)
            page.wait_for_timeout(100)
        return None


class AnyPage:
    """A page that somebody else runs and that shows `display`."""

    name = "page"

    def __init__(self, url: str, display: str) -> None:
        self._display = display
        found = re.match(r"http://[^/:]+:(\d+)(/.*)?$", url)
        if not found:
            raise ValueError(f"{url} is no page of this machine, such as http://127.0.0.1:8080/")
        self._port, self._path = int(found.group(1)), found.group(2) or "/"

    @contextlib.contextmanager
    def run(self, size: str) -> Iterator[Running]:
        """Do nothing, because the page's server runs already."""
        yield Running(self._display, self._port, self._path)

    def prepare(self, page: Page, mode: str) -> dict[str, Any]:
        """Return {}, because nothing is known of somebody else's page."""
        return {}

    def stats(self, page: Page) -> dict[str, Any]:
        """Return {}, because nothing is known of somebody else's page."""
        return {}


def environment(display: str) -> dict[str, str]:
    """Return this process's environment with another display."""
    return {**os.environ, "DISPLAY": display}
