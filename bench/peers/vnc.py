"""TigerVNC with noVNC, as Debian has them: Xtigervnc is the display, and websockify relays it."""

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page

from bench.processes import started, wait_for_server, x_server
from bench.systems import Running
from tests.ports import free_port

PAGES = "/usr/share/novnc"


class Vnc:
    """Both with their defaults, without a password."""

    name = "vnc"

    @contextlib.contextmanager
    def run(self, size: str) -> Iterator[Running]:
        """Run it with an X server of its own, which is the VNC server."""
        port, rfb = free_port(), free_port()
        server = ("Xtigervnc", "-rfbport", str(rfb), "-localhost", "-SecurityTypes", "None")
        with (
            x_server(size, server) as (display, vnc),
            started(
                ["websockify", "--web", PAGES, f"0.0.0.0:{port}", f"127.0.0.1:{rfb}"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as relay,
        ):
            wait_for_server(port, relay)
            yield Running(display, port, "/vnc_lite.html", (vnc, relay.pid))

    def prepare(self, page: Page, mode: str) -> dict[str, Any]:
        """Do nothing, because it has only one mode."""
        return {}

    def stats(self, page: Page) -> dict[str, Any]:
        """Return {}, because noVNC counts nothing."""
        return {}
