"""The viewer falls back to screenshots and stays there, with a slow link and a real browser."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Viewer, private_state
from tests.e2e.processes import DelayProxy, Stack, XServer, wait_until

pytestmark = [pytest.mark.alone, pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]
Open = Callable[..., Viewer]
LOCK_WORDS = "Video paused to save bandwidth. Click to retry."


@pytest.fixture(scope="module")
def stack(xserver: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose viewers decide within a second, so that the tests take less time."""
    running_stack = Stack(
        {"main": xserver.display},
        FANLIGHT_VIEWER_SUSTAIN_MS="700",
        **private_state(tmp_path_factory.mktemp("state")),
    )
    yield running_stack
    running_stack.close()


def through(proxy: DelayProxy, stack: Stack) -> str:
    return stack.link.replace(f":{stack.port}/", f":{proxy.port}/")


def test_a_bad_link_falls_back_locks_and_comes_back_only_by_a_click(
    stack: Stack, proxy: DelayProxy, open_viewer: Open, moving: subprocess.Popen[str], typed: Path
) -> None:
    viewer = open_viewer(through(proxy, stack))
    viewer.wait("stats.state === 'video' && stats.painted > 0 && stats.rtt_ms !== null")
    assert viewer.stats["rtt_ms"] < 150
    proxy.delay_s = 0.12
    viewer.wait("stats.state === 'locked'")
    assert LOCK_WORDS in viewer.text()
    # Screenshots arrive and input works, without one byte of video.
    viewer.wait_painted(1)
    quiet = viewer.quiet_video_bytes()
    viewer.click_desk(200, 100)
    viewer.page.keyboard.type("still here\n")
    wait_until(lambda: typed.read_text() == "still here\n", "input while locked")
    # The link heals, as it always does once video is gone. The viewer stays locked.
    proxy.delay_s = 0.0
    viewer.wait("stats.rtt_ms < 60")
    viewer.wait_painted(3)
    viewer.page.wait_for_timeout(1500)  # longer than anything that the state machine may wait for
    assert viewer.stats["state"] == "locked"
    # A new connection does not unlock the viewer, and carries no video.
    proxy.refusing = True
    proxy.cut()
    viewer.wait("stats.connection !== 'open'")
    proxy.refusing = False
    viewer.wait("stats.connection === 'open'")
    assert viewer.stats["state"] == "locked"
    viewer.wait_painted(2)
    assert viewer.stats["video_bytes"] == quiet
    viewer.page.get_by_role("button", name=re.compile("Click to retry")).click()
    viewer.wait("stats.state === 'video'")
    viewer.wait_painted(2)
    assert viewer.stats["video_bytes"] > quiet
    assert LOCK_WORDS not in viewer.text()


def test_a_long_clean_path_keeps_video_after_one_click(
    stack: Stack, proxy: DelayProxy, open_viewer: Open, moving: subprocess.Popen[str]
) -> None:
    proxy.delay_s = 0.1
    viewer = open_viewer(through(proxy, stack))
    viewer.wait("stats.state === 'locked'")
    viewer.page.get_by_role("button", name=re.compile("Click to retry")).click()
    viewer.wait("stats.state === 'video'")
    viewer.wait_painted(2)
    viewer.page.wait_for_timeout(2500)  # three times as long as it takes to fall back
    assert viewer.stats["state"] == "video", "RTT is long, but not inflated"
    assert viewer.stats["rtt_ms"] > 150
    # Now the RTT is inflated by more than the limit.
    proxy.delay_s = 0.25
    viewer.wait("stats.state === 'locked'")


def test_screenshots_by_choice_are_not_the_lock(stack: Stack, open_viewer: Open) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 0")
    viewer.page.get_by_label("Picture").select_option("screenshots")
    viewer.wait("stats.state === 'screenshots'")
    assert LOCK_WORDS not in viewer.text()
    viewer.page.get_by_label("Picture").select_option("automatic")
    viewer.wait("stats.state === 'video'")
