"""A link is opened: the first picture comes, and the network changes meanwhile."""

import pytest
from playwright.sync_api import Browser, Route

from tests.e2e.conftest import Viewer
from tests.e2e.processes import Stack, wait_until

pytestmark = [pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]


@pytest.mark.parametrize("file", ["app.js", "app.css", "worker.js", "api/session"])
def test_what_did_not_come_is_asked_for_again(stack: Stack, browser: Browser, file: str) -> None:
    """When its network changes, a browser fails all requests that are on their way."""
    page = browser.new_page()
    failed: list[str] = []

    def fail_twice(route: Route) -> None:
        if len(failed) < 2:
            failed.append(route.request.url)
            route.abort("addressunreachable")
        else:
            route.continue_()

    page.route(f"**/{file}*", fail_twice)
    try:
        page.goto(stack.link)
        Viewer(page, []).wait("stats.state === 'video' && stats.painted > 0")
        assert len(failed) == 2
        assert page.locator("#page").is_hidden()
        # The style sheet is loaded, or will be.
        display = "getComputedStyle(document.querySelector('.bar')).display"
        wait_until(lambda: page.evaluate(display) == "flex", "the style sheet")
    finally:
        page.close()


def test_the_first_picture_is_asked_for_once_and_shown_before_the_worker_is_there(
    stack: Stack, browser: Browser
) -> None:
    page = browser.new_page()
    held: list[Route] = []
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/worker.js", lambda route: held.append(route))
    try:
        page.goto(stack.link)
        viewer = Viewer(page, [])
        page.wait_for_selector("fanlight-view")
        width = "document.querySelector('fanlight-view').shadowRoot.querySelector('canvas').width"
        # The first picture has half of the desk's width; an empty canvas has 16 pixels.
        wait_until(lambda: page.evaluate(width) == 640, "the first picture")
        assert held
        held[0].continue_()
        viewer.wait("stats.state === 'video' && stats.painted > 0 && stats.width === 1280")
        assert page.evaluate(width) == 1280
        shots = [url for url in asked if "/screenshot" in url]
        assert len(shots) == 1, (shots, viewer.stats)
        assert not any("token" in url.partition("#")[0] for url in asked)
    finally:
        page.close()
