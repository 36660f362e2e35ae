"""Selkies from PyPI, which sends x264's video of an Xvfb over a WebSocket."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page

from bench.processes import ROOT, started, wait_for_server, x_server
from bench.systems import Running
from tests.ports import free_port

PROGRAM = ROOT / ".cache" / "peers" / "selkies" / "bin" / "selkies"


class Selkies:
    """Selkies with its defaults, except what a display without sound, login or resizing needs."""

    name = "selkies"

    @contextlib.contextmanager
    def run(self, size: str) -> Iterator[Running]:
        """Run it on an X server of its own."""
        port = free_port()
        width, height = size.split("x")
        command = [
            str(PROGRAM), "--mode", "websockets", "--encoder", "h264enc", "--use-cpu", "true",
            "--public", "true", "--port", str(port), "--enable-basic-auth", "false",
            "--audio-enabled", "false", "--enable-resize", "false",
            "--manual-width", width, "--manual-height", height,
        ]  # fmt: skip
        with (
            x_server(size) as (display, _),
            tempfile.NamedTemporaryFile("w+", prefix="selkies-bench-") as log,
            started(
                command, env={**os.environ, "DISPLAY": display}, stdout=log, stderr=log
            ) as process,
        ):
            wait_for_server(port, process)
            yield Running(display, port, "/", (process.pid,))

    def prepare(self, page: Page, mode: str) -> dict[str, Any]:
        """Do nothing, because it has only one mode."""
        return {}

    def stats(self, page: Page) -> dict[str, Any]:
        """Return {}, because Selkies is not asked."""
        return {}
