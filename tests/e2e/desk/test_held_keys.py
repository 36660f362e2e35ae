"""Keys that are held while the link stalls: the desk gets what the keyboard repeats and no more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Viewer
from tests.e2e.processes import DelayProxy, Stack, XServer, wait_until

pytestmark = [pytest.mark.alone, pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]
Open = Callable[..., Viewer]
PERIOD_MS = 33
"""Time between two repetitions of a keyboard."""
INTO_PROXY_MS = 100
"""Time in which the key-up reaches the proxy. It has to pass, because nothing shows when it is
there."""


@pytest.fixture
def viewer(stack: Stack, proxy: DelayProxy, open_viewer: Open, typed: Path) -> Viewer:
    """A viewer behind the proxy whose keys go to the terminal."""
    opened = open_viewer(stack.link.replace(str(stack.port), str(proxy.port)))
    opened.wait("stats.painted > 0 && stats.base_rtt_ms !== null")
    opened.click_desk(200, 100)
    return opened


def line(viewer: Viewer, typed: Path) -> str:
    """Press Enter until the terminal has a line, and return its first line."""

    def ended() -> bool:
        # Enter is pressed more than once, because the viewer leaves a link that was silent for
        # long, and what is typed before the new one is open is lost. The pause keeps the number of
        # lines small.
        viewer.page.keyboard.press("Enter")
        viewer.page.wait_for_timeout(500)
        return "\n" in typed.read_text()

    wait_until(ended, "the line")
    return typed.read_text().split("\n")[0]


def test_a_key_up_that_is_late_types_nothing(
    viewer: Viewer, proxy: DelayProxy, xserver: XServer, typed: Path
) -> None:
    viewer.page.keyboard.down("a")
    wait_until(xserver.keys_down, "the key to be down")
    proxy.delay_s = 1.2
    viewer.page.keyboard.up("a")
    viewer.page.wait_for_timeout(INTO_PROXY_MS)
    proxy.delay_s = 0.0
    assert line(viewer, typed) == "a"


def test_a_key_that_is_held_repeats(viewer: Viewer, xserver: XServer, typed: Path) -> None:
    viewer.page.keyboard.down("a")
    wait_until(xserver.keys_down, "the key to be down")
    for _ in range(30):
        viewer.page.keyboard.down("a")  # to Playwright a second one is a repetition
        viewer.page.wait_for_timeout(PERIOD_MS)
    viewer.page.keyboard.up("a")
    got = line(viewer, typed)
    assert set(got) == {"a"}
    # A machine that has time types all 31. Any of them may be missing on a busy one, but none may
    # be added.
    assert 5 <= len(got) <= 31


def test_repetitions_into_a_stalled_link_are_not_typed_later(
    viewer: Viewer, proxy: DelayProxy, xserver: XServer, typed: Path
) -> None:
    viewer.page.keyboard.down("a")
    wait_until(xserver.keys_down, "the key to be down")
    proxy.delay_s = 1.5
    for _ in range(45):
        viewer.page.keyboard.down("a")
        viewer.page.wait_for_timeout(PERIOD_MS)
    viewer.page.keyboard.up("a")
    viewer.page.wait_for_timeout(INTO_PROXY_MS)
    proxy.delay_s = 0.0
    got = line(viewer, typed)
    assert set(got) == {"a"}
    # The repetitions of the first moment arrive, because the viewer does not know yet that the link
    # stalls.
    assert 1 <= len(got) <= 15


def test_a_key_up_that_a_busy_page_is_late_for_types_nothing(viewer: Viewer, typed: Path) -> None:
    viewer.page.keyboard.down("a")
    viewer.page.evaluate("""() => setTimeout(() => {
      const until = performance.now() + 1500;
      while (performance.now() < until);
    })""")
    viewer.page.keyboard.up("a")
    assert line(viewer, typed) == "a"
