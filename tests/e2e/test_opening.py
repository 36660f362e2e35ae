"""Opening a link while the network changes: a browser then fails all that is on its way."""

import pytest
from playwright.sync_api import Browser, Route

from tests.e2e.conftest import Viewer
from tests.e2e.processes import Stack

pytestmark = [pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]


def test_a_worker_whose_files_did_not_come_is_started_again(stack: Stack, browser: Browser) -> None:
    page = browser.new_page()
    failed: list[str] = []

    def fail_twice(route: Route) -> None:
        if len(failed) < 2:
            failed.append(route.request.url)
            route.abort("addressunreachable")
        else:
            route.continue_()

    page.route("**/worker.js", fail_twice)
    try:
        page.goto(stack.link)
        Viewer(page, []).wait("stats.state === 'video' && stats.painted > 0")
        assert len(failed) == 2
    finally:
        page.close()
