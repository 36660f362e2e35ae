"""Every process may be killed at any time, and displays may come, go and change their size."""

import subprocess
from collections.abc import Callable

import httpx
import pytest

from tests.e2e.conftest import Viewer
from tests.e2e.processes import Stack, XServer, wait_ready, wait_until
from tests.e2e.xclient import COLOURS, Patches

pytestmark = [pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]
Open = Callable[..., Viewer]


def test_an_encoder_killed(stack: Stack, open_viewer: Open, moving: subprocess.Popen[str]) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    epoch = viewer.stats["epoch"]
    stack.kill("encoder")
    viewer.wait(f"stats.epoch > {epoch}")
    viewer.wait_painted(5)
    assert viewer.stats["state"] == "video"


def test_the_screenshot_service_killed(
    stack: Stack, open_viewer: Open, moving: subprocess.Popen[str]
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    epoch, old = viewer.stats["epoch"], stack.kill("screenshot")
    viewer.wait_painted(10)
    assert viewer.stats["epoch"] == epoch, "video went on without a break"
    wait_until(lambda: stack.pid("screenshot") not in (0, old), "another screenshot service")
    url = f"http://127.0.0.1:{stack.screenshot_port}/desks/main/screenshot"
    wait_ready(url)


def test_the_directory_killed(
    stack: Stack, open_viewer: Open, moving: subprocess.Popen[str]
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    epoch, old = viewer.stats["epoch"], stack.kill("directory")
    viewer.wait_painted(10)
    wait_until(lambda: stack.pid("directory") not in (0, old), "another directory")
    viewer.wait_painted(20)
    assert viewer.stats["epoch"] == epoch, "the running stream did not notice"
    newcomer = open_viewer(stack.link)
    newcomer.wait("stats.state === 'video' && stats.painted > 0")


def test_the_gateway_killed(stack: Stack, open_viewer: Open, moving: subprocess.Popen[str]) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    # The page notes each state as it shows it, because the gateway may be back before the test
    # looks.
    viewer.page.evaluate(
        """() => {
          window.said = [];
          document.querySelector('fanlight-view')
            .addEventListener('state', (event) => window.said.push(event.detail.text));
        }"""
    )
    stack.kill("gateway")
    wait_until(
        lambda: any("onnect" in text for text in viewer.page.evaluate("window.said")),
        "the viewer to say so",
    )
    viewer.wait("stats.connection === 'open'")
    viewer.wait_painted(5)


def test_the_capture_killed(stack: Stack, open_viewer: Open, moving: subprocess.Popen[str]) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 5")
    stack.kill("capture")
    viewer.wait_painted(10)


def test_a_resize_in_mid_stream(
    stack: Stack, open_viewer: Open, xserver: XServer, moving: subprocess.Popen[str]
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.width === 1280 && stats.height === 720")
    xserver.resize(1001, 601)
    viewer.wait("stats.width === 1001 && stats.height === 601")
    viewer.wait_painted(5)
    xserver.resize(1280, 720)
    viewer.wait("stats.width === 1280 && stats.height === 720")


def test_a_display_that_goes_away_and_comes_back(
    stack: Stack, open_viewer: Open, xserver: XServer
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 0")
    xserver.stop()
    wait_until(lambda: "away" in viewer.text().lower(), "the viewer to say so")
    shot = httpx.get(
        f"http://127.0.0.1:{stack.screenshot_port}/desks/main/screenshot", trust_env=False
    )
    assert (shot.status_code, shot.headers.get("x-fanlight-stale")) in ((200, "1"), (503, None))
    xserver.start()
    patches = Patches(xserver.display, left=100, top=100)
    wait_until(
        lambda: max(
            abs(a - b)
            for want, got in zip(COLOURS, viewer.pixels(patches.centres()), strict=True)
            for a, b in zip(want, got, strict=True)
        ) <= 4,
        "the new desk's picture",
    )  # fmt: skip
    patches.close()


def test_a_display_that_never_was() -> None:
    stack = Stack({"main": ":98765"})
    try:
        wait_until(lambda: ":98765" in stack.output, "a line that names the display")
        url = f"http://127.0.0.1:{stack.screenshot_port}/desks/main/screenshot"
        # Capture may have logged the display before the directory has announced the desk.
        wait_ready(url, 503)
        assert "retry-after" in httpx.get(url, trust_env=False).headers
    finally:
        stack.close()
