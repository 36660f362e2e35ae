"""What the page around a desk says and offers: the bar, and the text in place of a desk."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import Viewer, private_state
from tests.e2e.processes import Stack, XServer, wait_until

pytestmark = [pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]
Open = Callable[..., Viewer]
SAYS = "document.querySelector('#page:not([hidden])')?.innerText ?? ''"
FILTER = """(() => {
  const root = document.querySelector('fanlight-view').shadowRoot;
  return getComputedStyle(root.querySelector('canvas')).filter;
})()"""
VISIBLE = """(() => {
  const root = document.querySelector('fanlight-view').shadowRoot;
  return getComputedStyle(root.querySelector('canvas')).visibility;
})()"""
BAR = """text => {
  const connection = document.querySelector('#connection');
  connection.textContent = text;
  const name = document.querySelector('#desk-name');
  const bar = document.querySelector('#bar');
  return [bar.offsetHeight, bar.scrollWidth - bar.clientWidth, name.scrollWidth - name.offsetWidth,
    getComputedStyle(connection).textOverflow, connection.scrollWidth > connection.offsetWidth];
}"""


@pytest.fixture
def pathed(xserver: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A gateway with the root path /desk, which the tests reach without its proxy."""
    running = Stack(
        {"main": xserver.display},
        FANLIGHT_GATEWAY_ROOT_PATH="/desk",
        **private_state(tmp_path_factory.mktemp("state")),
    )
    yield running
    running.close()


def says(viewer: Viewer, words: str) -> str:
    """Wait until the page has these words in place of a desk, and return all that it says there."""
    wait_until(lambda: words in viewer.page.evaluate(SAYS), f"{words!r}; {viewer.account()}")
    for part in ("#tools", "#stage", "#connection"):
        assert viewer.page.locator(part).is_hidden()
    text: str = viewer.page.evaluate(SAYS)
    return text


@pytest.mark.parametrize("width", [360, 700, 1000, 1160, 1360])
def test_the_bar_keeps_its_height_whatever_it_says(
    stack: Stack, open_viewer: Open, width: int
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.painted > 0")
    viewer.page.set_viewport_size({"width": width, "height": 700})
    height, *_ = viewer.page.evaluate(BAR, "Live video")
    long = (
        "Not signed in, or the link has expired, and more than fits beside all the rest of it" * 2
    )
    long_height, too_wide, name_cut, overflow, is_cut = viewer.page.evaluate(BAR, long)
    assert long_height == height
    assert too_wide == 0
    assert name_cut <= 1, "the desk's name gives way last"
    assert (overflow, is_cut) == ("ellipsis", True)


def test_a_desk_that_is_not_there_and_the_one_that_is(stack: Stack, open_viewer: Open) -> None:
    token = stack.token("--role", "control", "--desk", "*", "--ttl", "10m")
    viewer = open_viewer(f"{stack.url}/?desk=nowhere#token={token}")
    assert "“nowhere”" in says(viewer, "These are running:")
    viewer.page.click("#page .desks a")
    viewer.wait("stats.state === 'video' && stats.painted > 0")
    assert viewer.page.url.endswith("?desk=main")
    assert viewer.page.locator("#paste").is_enabled()


def test_a_desk_that_comes_later_is_asked_for_again(stack: Stack, open_viewer: Open) -> None:
    token = stack.token("--role", "control", "--desk", "*", "--ttl", "10m")
    viewer = open_viewer(f"{stack.url}/?desk=later#token={token}")
    says(viewer, "No desk of this name")
    viewer.page.evaluate(
        """() => {
          window.said = [];
          document.querySelector('fanlight-view')
            .addEventListener('state', (event) => window.said.push(event.detail.text));
        }"""
    )
    desk = {"name": "later", "state": "live", "width": 640, "height": 360}
    viewer.page.route("**/api/desks", lambda route: route.fulfill(json={"desks": [desk]}))
    wait_until(lambda: "Connecting…" in viewer.page.evaluate("window.said"), "another try")
    # The gateway still knows no such desk, so the page says the same again.
    wait_until(lambda: len(viewer.page.evaluate("window.said")) > 1, "its answer")
    says(viewer, "No desk of this name")


def test_a_link_that_is_pasted_into_the_open_page_signs_in(stack: Stack, open_viewer: Open) -> None:
    address, _, fragment = stack.link.partition("#")
    viewer = open_viewer(address)
    viewer.page.get_by_text("Sign in with a link").wait_for()
    # The browser loads nothing, because only the fragment is another one.
    with viewer.page.expect_event("load"):
        viewer.page.evaluate("fragment => { location.hash = fragment }", fragment)
    viewer.wait("stats.painted > 0")
    assert "token" not in viewer.page.url


def test_a_link_for_another_desk(stack: Stack, open_viewer: Open) -> None:
    token = stack.token("--role", "view", "--desk", "another", "--ttl", "10m")
    viewer = open_viewer(f"{stack.url}/?desk=main#token={token}")
    text = says(viewer, "not for the desk “main”")
    assert "No other is running" in text
    assert viewer.page.evaluate(VISIBLE) == "hidden"


def test_a_link_that_expires_in_the_full_screen(stack: Stack, open_viewer: Open) -> None:
    token = stack.token("--role", "control", "--desk", "main", "--ttl", "15s")
    viewer = open_viewer(f"{stack.url}/?desk=main#token={token}")
    viewer.wait("stats.connection === 'open' && stats.painted > 0", limit_s=12)
    viewer.page.click("#fullscreen")
    assert "fanlight token" in says(viewer, "the link has expired")
    assert viewer.page.evaluate("document.fullscreenElement === null")
    assert viewer.page.evaluate("document.activeElement.tagName") == "H1"
    assert viewer.page.evaluate(VISIBLE) == "hidden"


def test_a_cookie_that_goes_elsewhere(pathed: Stack, open_viewer: Open) -> None:
    viewer = open_viewer(pathed.link)
    assert "another path" in says(viewer, "The sign-in did not last")
    # The first picture came by the link's own token.
    assert viewer.page.evaluate(VISIBLE) == "hidden"


def test_without_an_encoder_the_picture_looks_old(stack: Stack, open_viewer: Open) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 0")
    wait_until(lambda: viewer.page.evaluate(FILTER) == "none", "a picture of now")
    hung = stack.pid("encoder")
    os.kill(hung, signal.SIGSTOP)
    try:
        wait_until(lambda: "Waiting for an encoder…" in viewer.text(), "the viewer to say so")
        wait_until(lambda: "0.6" in viewer.page.evaluate(FILTER), "a dim picture")
    finally:
        os.kill(hung, signal.SIGCONT)
    wait_until(lambda: viewer.page.evaluate(FILTER) == "none", "a picture of now")


def test_a_browser_that_keeps_its_clipboard_says_what_to_do(
    stack: Stack, open_viewer: Open
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.connection === 'open' && stats.painted > 0")
    viewer.page.click("#paste")
    toast = viewer.page.locator("#toast")
    wait_until(lambda: "Ctrl+V" in toast.inner_text(), "what to do")
