"""The gateway behind real proxies: under a path, with TLS, with and without upgrade."""

import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Viewer, private_state
from tests.e2e.processes import Stack, XServer, wait_until
from tests.e2e.proxies import BARE, HAProxy, Nginx, Proxy, documented

pytestmark = [pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]
Open = Callable[..., Viewer]
RETRY_LIMIT_S = 60
"""On plain HTTP a viewer tries a WebSocket again after at most 5, 10, 20 ... seconds."""
BLOCKED_WORDS = "Screenshots: this network blocks WebSockets"
ON_VIDEO = "stats.transport === 'websocket' && stats.state === 'video' && stats.painted > 5"
ON_HTTP = "stats.transport === 'http' && stats.connection === 'open' && stats.painted > 0"


@pytest.fixture(scope="module")
def stack(xserver: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack, which all proxies have behind them."""
    running = Stack(
        {"main": xserver.display},
        FANLIGHT_GATEWAY_ROOT_PATH="/desk",
        **private_state(tmp_path_factory.mktemp("state")),
    )
    yield running
    running.close()


@pytest.fixture
def nginx(stack: Stack, tmp_path: Path) -> Iterator[Nginx]:
    """nginx before the gateway, over http on this machine; the test starts it."""
    proxy = Nginx(tmp_path, stack.port)
    yield proxy
    proxy.stop()


@pytest.fixture(params=["nginx", "haproxy"])
def secure(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy with TLS and the gateway under /desk, as docs/operations.md shows."""
    proxy: Nginx | HAProxy
    if request.param == "nginx":
        proxy = Nginx(tmp_path, stack.port, tls=True)
        proxy.start(documented("nginx", "location /desk/"))
    else:
        proxy = HAProxy(tmp_path, stack.port, tls=True)
        proxy.start(documented("haproxy", "defaults"))
    yield proxy
    proxy.stop()


def settle(viewer: Viewer) -> None:
    """Wait until the page shows the desk, and give it the keyboard by a click."""
    viewer.wait("stats.painted > 0 && stats.width > 0")
    viewer.click_desk(200, 100)


def pointer(xserver: XServer) -> tuple[int, int]:
    out = subprocess.run(
        ["xdotool", "getmouselocation", "--shell"], capture_output=True, text=True,
        check=True, env={"DISPLAY": xserver.display, "PATH": "/usr/bin"},
    ).stdout  # fmt: skip
    x, y = (int(n) for n in re.findall(r"^[XY]=(\d+)", out, re.M))
    return x, y


def put_pointer(viewer: Viewer, xserver: XServer, x: int, y: int) -> None:
    viewer.page.mouse.move(*viewer.desk_point(x, y))
    wait_until(
        lambda: max(abs(a - b) for a, b in zip(pointer(xserver), (x, y), strict=True)) <= 1,
        f"the pointer at {x}, {y}",
    )


def write_line(viewer: Viewer, typed: Path, line: str) -> None:
    before = typed.read_text()
    viewer.type(line)
    viewer.page.keyboard.press("Enter")
    wait_until(lambda: typed.read_text().count("\n") > before.count("\n"), f"{line!r}")
    assert typed.read_text() == f"{before}{line}\n"


def copy_both_ways(viewer: Viewer, xserver: XServer, word: str) -> None:
    environment = {"DISPLAY": xserver.display, "PATH": "/usr/bin"}
    viewer.page.evaluate(
        "text => document.querySelector('fanlight-view').copyToDesk(text)", f"to {word}"
    )

    def on_desk() -> str:
        return subprocess.run(
            ["xclip", "-selection", "clipboard", "-o"], capture_output=True, text=True,
            env=environment, check=False,
        ).stdout  # fmt: skip

    wait_until(lambda: on_desk() == f"to {word}", "the desk's clipboard")
    subprocess.run(
        ["xclip", "-selection", "clipboard", "-i"], input=f"from {word}", text=True,
        env=environment, check=True,
    )  # fmt: skip
    wait_until(
        lambda: viewer.page.evaluate("navigator.clipboard.readText()") == f"from {word}",
        "the browser's clipboard",
    )


def test_under_a_path_with_tls(
    stack: Stack,
    secure: Proxy,
    open_viewer: Open,
    xserver: XServer,
    moving: subprocess.Popen[str],
    typed: Path,
) -> None:
    viewer = open_viewer(secure.link(stack.link, "/desk"), ignore_https_errors=True)
    viewer.wait(ON_VIDEO)
    (cookie,) = viewer.page.context.cookies()
    assert cookie["secure"]
    assert cookie["httpOnly"]
    assert (cookie["path"], cookie["sameSite"]) == ("/desk", "Strict")
    settle(viewer)
    write_line(viewer, typed, "behind a proxy")
    put_pointer(viewer, xserver, 640, 360)
    # A proxy makes the picture no older: the limits are those of a viewer without one.
    viewer.wait("stats.fps > 5 && stats.age_ms !== null && stats.age_ms < 250")
    viewer.wait("stats.rtt_ms !== null && stats.rtt_ms < 100")
    viewer.page.evaluate("document.querySelector('fanlight-view').mode = 'screenshots'")
    viewer.wait("stats.state === 'screenshots'")
    viewer.wait_painted(5)
    viewer.page.reload()
    viewer.wait("stats.painted > 0 && stats.transport === 'websocket'")


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that nginx can read, whose worker runs as nobody."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


def test_in_a_page_of_ones_own(
    stack: Stack, nginx: Nginx, open_viewer: Open, public: Path, moving: subprocess.Popen[str]
) -> None:
    token = stack.link.partition("#token=")[2]
    page = documented("html", "<script").replace('"..."', f'"{token}"')
    (public / "own.html").write_text(f"<!doctype html><title>Own</title>{page}")
    own = f"location = /own.html {{ root {public}; types {{ text/html html; }} }}"
    nginx.start(own + documented("nginx", "location /desk/"))
    viewer = open_viewer(nginx.link("http://gateway/own.html"))
    viewer.wait(ON_VIDEO)
    box = viewer.page.locator("fanlight-view").bounding_box()
    assert box is not None
    assert box["width"] > 1300
    assert abs(box["height"] - box["width"] * 9 / 16) < 1
    (cookie,) = viewer.page.context.cookies()
    assert cookie["httpOnly"]


def test_a_proxy_that_was_told_nothing_of_upgrades(
    stack: Stack,
    nginx: Nginx,
    open_viewer: Open,
    xserver: XServer,
    moving: subprocess.Popen[str],
    typed: Path,
) -> None:
    nginx.start(BARE)
    viewer = open_viewer(
        nginx.link(stack.link, "/desk"), permissions=["clipboard-read", "clipboard-write"]
    )
    viewer.wait(ON_HTTP)
    assert BLOCKED_WORDS in viewer.text()
    settle(viewer)
    for number in range(3):
        write_line(viewer, typed, f"line {number} Hello, World! 100%")
    put_pointer(viewer, xserver, 640, 360)
    put_pointer(viewer, xserver, 3, 5)
    copy_both_ways(viewer, xserver, "plain")
    viewer.wait_painted(5)
    viewer.wait("stats.rtt_ms !== null && stats.rtt_ms < 250 && stats.age_ms < 1000")
    assert viewer.stats["video_bytes"] == 0
    # The proxy learns of upgrades while somebody types. The viewer comes back to a WebSocket, and
    # each line arrives once.
    nginx.reload(documented("nginx", "location /desk/"))
    before, number = typed.read_text(), 0
    deadline = time.monotonic() + RETRY_LIMIT_S
    wanted = before
    while viewer.stats["transport"] == "http" or number < 8:
        assert time.monotonic() < deadline, viewer.stats
        line = f"on and on {number}"
        viewer.type(line)
        viewer.page.keyboard.press("Enter")
        wanted += f"{line}\n"
        number += 1
    wait_until(lambda: typed.read_text().count("\n") == wanted.count("\n"), "each line, once")
    assert typed.read_text() == wanted
    viewer.wait(ON_VIDEO)
    assert BLOCKED_WORDS not in viewer.text()
    write_line(viewer, typed, "by WebSocket")


def test_a_websocket_cut_in_the_middle_and_refused_from_then_on(
    stack: Stack,
    nginx: Nginx,
    open_viewer: Open,
    xserver: XServer,
    moving: subprocess.Popen[str],
    typed: Path,
) -> None:
    nginx.start(documented("nginx", "location /desk/"))
    viewer = open_viewer(nginx.link(stack.link, "/desk"))
    viewer.wait(ON_VIDEO)
    settle(viewer)
    write_line(viewer, typed, "by WebSocket")
    viewer.page.keyboard.down("Shift")
    wait_until(xserver.keys_down, "shift down")
    nginx.start(BARE)
    viewer.wait(ON_HTTP, 60)
    wait_until(lambda: not xserver.keys_down(), "shift up")
    viewer.page.keyboard.up("Shift")
    viewer.wait_painted(3)
    write_line(viewer, typed, "by plain http")
    viewer.page.keyboard.down("a")
    wait_until(xserver.keys_down, "a down")
    viewer.page.close()
    wait_until(lambda: not xserver.keys_down(), "a up: the viewer has gone")


def test_a_viewer_that_was_locked_stays_locked(
    stack: Stack, nginx: Nginx, open_viewer: Open, moving: subprocess.Popen[str]
) -> None:
    nginx.start(BARE)
    viewer = open_viewer(nginx.link(stack.link, "/desk"))
    viewer.wait(ON_HTTP)
    viewer.page.evaluate("document.querySelector('fanlight-view').mode = 'screenshots'")
    viewer.wait("stats.state === 'screenshots'")
    nginx.reload(documented("nginx", "location /desk/"))
    viewer.wait("stats.transport === 'websocket'", RETRY_LIMIT_S)
    viewer.wait_painted(3)
    assert viewer.stats["state"] == "screenshots"
    assert viewer.stats["video_bytes"] == 0
