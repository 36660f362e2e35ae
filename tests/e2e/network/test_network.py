"""Links get bad in the network laboratory, with a real browser behind each.

The tests assert that the right thing happens, not how fast; `make bench` measures that.
"""

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.e2e.conftest import Viewer, private_state
from tests.e2e.processes import CHROMIUM, CHROMIUM_FLAGS, Stack, XServer, wait_until
from tests.netlab.fixtures import netlab
from tests.netlab.lab import Lab

__all__ = ["netlab"]
pytestmark = [pytest.mark.alone, pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]
OpenLab = Callable[..., Lab]
OpenFar = Callable[[Lab], Viewer]
FRESH = "stats.age_ms !== null && stats.age_ms < 1000"


@pytest.fixture(scope="module")
def stack(xserver: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that listens on every address, because the browsers are in other namespaces."""
    running = Stack(
        {"main": xserver.display},
        "--host",
        "0.0.0.0",
        **private_state(tmp_path_factory.mktemp("state")),
    )
    yield running
    running.close()


@pytest.fixture
def open_far(stack: Stack, playwright: Playwright) -> Iterator[OpenFar]:
    """Return a function that opens the desk in a browser of its own on the far side of a link."""
    viewers: list[Viewer] = []
    with ExitStack() as things:

        def open_there(lab: Lab) -> Viewer:
            browser = playwright.chromium.launch(
                executable_path=lab.wrapper(CHROMIUM),
                args=[*CHROMIUM_FLAGS, lab.secure(stack.port)],
            )
            things.callback(browser.close)
            page = browser.new_page(viewport={"width": 1360, "height": 860})
            page.set_default_timeout(60_000)
            problems: list[str] = []
            page.on("pageerror", lambda error: problems.append(str(error)))
            viewer = Viewer(page, problems)
            viewers.append(viewer)
            page.goto(stack.link.replace("127.0.0.1", lab.near), wait_until="commit")
            return viewer

        yield open_there
    assert [viewer.problems for viewer in viewers if viewer.problems] == []


def rss_kib(pid: int) -> int:
    """Return the resident memory of a process, in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def test_a_tunnel(
    netlab: OpenLab, open_far: OpenFar, moving: subprocess.Popen[str], stack: Stack
) -> None:
    lab = netlab(rate_mbit=5, delay_ms=30)
    viewer = open_far(lab)
    viewer.wait("stats.state === 'video' && stats.painted > 20")
    before = rss_kib(stack.pid("gateway"))
    lab.set(cut=True)
    time.sleep(6)  # longer than the silence after which the viewer connects anew
    painted = viewer.stats["painted"]
    lab.set(cut=False)
    viewer.wait(
        "stats.connection === 'open' && stats.state === 'video'"
        f" && stats.painted > {painted} && {FRESH}"
    )
    assert rss_kib(stack.pid("gateway")) < before + 50_000


def test_a_tunnel_in_screenshot_mode(
    netlab: OpenLab, open_far: OpenFar, moving: subprocess.Popen[str]
) -> None:
    lab = netlab(rate_mbit=5, delay_ms=30)
    viewer = open_far(lab)
    viewer.wait("stats.painted > 5")
    viewer.page.evaluate("document.querySelector('fanlight-view').mode = 'screenshots'")
    viewer.wait("stats.state === 'screenshots'")
    viewer.wait_painted(3)
    lab.set(cut=True)
    time.sleep(5)  # the tunnel has to have some length, and nothing comes meanwhile
    lab.set(cut=False)
    viewer.wait_painted(3, limit_s=10)  # requests from before the tunnel hang for 25 s
    viewer.wait(FRESH)


def test_a_rate_that_falls_to_a_fortieth_and_comes_back(
    netlab: OpenLab, open_far: OpenFar, moving: subprocess.Popen[str]
) -> None:
    lab = netlab(rate_mbit=20, delay_ms=30)
    viewer = open_far(lab)
    viewer.wait("stats.state === 'video' && stats.painted > 20")
    lab.set(rate_mbit=0.5)
    viewer.page.wait_for_timeout(5000)  # the queue has to fill: until then the picture is fresh
    viewer.wait(FRESH)
    lab.set(rate_mbit=20)
    viewer.wait(FRESH)
    viewer.wait_painted(20)


def test_packets_that_are_lost(
    netlab: OpenLab, open_far: OpenFar, moving: subprocess.Popen[str], typed: Path
) -> None:
    viewer = open_far(netlab(rate_mbit=5, delay_ms=30, loss=0.05))
    viewer.wait("stats.painted > 20")
    viewer.click_desk(200, 100)
    viewer.type("all of it, in order\n")
    wait_until(lambda: typed.read_text() == "all of it, in order\n", "the input")
    viewer.wait(FRESH)


def test_one_bad_link_changes_nothing_for_another_viewer(
    netlab: OpenLab, open_far: OpenFar, moving: subprocess.Popen[str], stack: Stack
) -> None:
    good = open_far(netlab(rate_mbit=20, delay_ms=10))
    good.wait("stats.state === 'video' && stats.painted > 20")
    bad = open_far(netlab(rate_mbit=0.5, delay_ms=100))
    bad.wait("stats.painted > 0", 60)
    painted, epoch = good.stats["painted"], good.stats["epoch"]
    good.page.wait_for_timeout(5000)  # what it costs the good viewer shows only over a time
    assert good.stats["state"] == "video"
    assert good.stats["rendition"] == "high"
    assert good.stats["epoch"] == epoch
    assert good.stats["painted"] > painted + 20
    # The bad one falls back by itself, because its RTT is 200 ms, and stays there.
    bad.wait("stats.state === 'locked'", 60)
    bad.wait_painted(2)


def test_a_viewer_that_stops_reading_and_one_that_sleeps(
    netlab: OpenLab, open_far: OpenFar, moving: subprocess.Popen[str], stack: Stack
) -> None:
    witness = open_far(netlab(rate_mbit=20, delay_ms=10))
    witness.wait("stats.state === 'video' && stats.painted > 20")
    lab = netlab(rate_mbit=20, delay_ms=10)
    viewer = open_far(lab)
    viewer.wait("stats.state === 'video' && stats.painted > 20")
    before = rss_kib(stack.pid("gateway"))
    sleepers = processes_in(lab)
    for pid in sleepers:
        os.kill(pid, signal.SIGSTOP)
    try:
        painted = witness.stats["painted"]
        time.sleep(8)  # what the sleeping viewer costs others shows only over a time
        assert witness.stats["painted"] > painted + 40
        assert witness.stats["age_ms"] < 500
        assert rss_kib(stack.pid("gateway")) < before + 20_000
    finally:
        for pid in sleepers:
            os.kill(pid, signal.SIGCONT)
    viewer.wait_painted(5)
    viewer.wait(FRESH)


def test_a_link_that_swings_goes_to_screenshots_once(
    netlab: OpenLab, open_far: OpenFar, moving: subprocess.Popen[str]
) -> None:
    lab = netlab(rate_mbit=5, delay_ms=20)
    viewer = open_far(lab)
    viewer.wait("stats.state === 'video' && stats.painted > 20")
    states = []
    for bad in (True, False, True, False):
        lab.set(rate_mbit=0.4 if bad else 5, delay_ms=150 if bad else 20)
        for _ in range(12):  # 6 s, longer than the viewer takes to decide
            viewer.page.wait_for_timeout(500)
            states.append(viewer.stats["state"])
    changes = [after for before, after in itertools.pairwise(states) if after != before]
    assert changes == ["locked"], states
    assert states[-1] == "locked"
    viewer.wait_painted(2)


def test_a_stall_under_a_key_that_is_held(
    netlab: OpenLab, open_far: OpenFar, xserver: XServer, typed: Path
) -> None:
    lab = netlab(rate_mbit=10, delay_ms=20)
    viewer = open_far(lab)
    viewer.wait("stats.painted > 0 && stats.base_rtt_ms !== null")
    viewer.click_desk(200, 100)
    viewer.page.keyboard.down("a")
    wait_until(xserver.keys_down, "the key to be down")
    lab.set(cut=True)
    for _ in range(40):
        viewer.page.keyboard.down("a")
        viewer.page.wait_for_timeout(33)  # as a keyboard repeats
    viewer.page.keyboard.up("a")
    lab.set(cut=False)

    def ended() -> bool:
        # What is typed while the link comes back may go nowhere, so it is typed again, after a
        # time in which the first one would have arrived.
        viewer.page.keyboard.press("Enter")
        viewer.page.wait_for_timeout(500)
        return "\n" in typed.read_text()

    wait_until(ended, "the line")
    got = typed.read_text().split("\n")[0]
    assert set(got) == {"a"}
    assert len(got) <= 15, "what the keyboard repeated while the link stood still"


def processes_in(lab: Lab) -> list[int]:
    """Return the ids of all processes on the far side except the one that is the link."""
    there = os.readlink(f"/proc/{lab.pid}/ns/net")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/net") == there and int(process.name) != lab.pid:
                found.append(int(process.name))
        except OSError:
            continue
    return found
