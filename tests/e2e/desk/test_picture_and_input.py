"""From end to end: what is drawn on the desk is painted, and what is typed in the page arrives."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Viewer
from tests.e2e.processes import Stack, XServer, wait_until
from tests.e2e.xclient import COLOURS, Patches

pytestmark = [pytest.mark.x11, pytest.mark.browser, pytest.mark.processes]
Open = Callable[..., Viewer]


@pytest.fixture
def patches(xserver: XServer) -> Iterator[Patches]:
    window = Patches(xserver.display, left=200, top=600)
    yield window
    window.close()


def assert_colours(viewer: Viewer, patches: Patches) -> None:
    def close_enough() -> bool:
        seen = viewer.pixels(patches.centres())
        worst = max(
            abs(a - b) for want, got in zip(COLOURS, seen, strict=True)
            for a, b in zip(want, got, strict=True)
        )  # fmt: skip
        return worst <= 4

    wait_until(close_enough, f"the colours; seen {viewer.pixels(patches.centres())}", 15)


def test_the_picture_painted_is_the_picture_drawn(
    stack: Stack, open_viewer: Open, patches: Patches
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.state === 'video' && stats.painted > 0")
    assert_colours(viewer, patches)
    assert re.fullmatch(r"avc1\.42[0-9A-Fa-f]{4}", viewer.stats["codec"])
    patches.paint(tuple(reversed(COLOURS)))
    patches.paint(COLOURS)
    assert_colours(viewer, patches)
    viewer.page.evaluate("document.querySelector('fanlight-view').mode = 'screenshots'")
    viewer.wait("stats.state === 'screenshots'")
    received = viewer.stats["video_bytes"]
    patches.paint(tuple(reversed(COLOURS)))
    wait_until(
        lambda: max(
            abs(a - b)
            for want, got in zip(
                reversed(COLOURS), viewer.pixels(patches.centres()), strict=True
            )
            for a, b in zip(want, got, strict=True)
        ) <= 4,
        "the new colours in a screenshot",
    )  # fmt: skip
    assert viewer.stats["video_bytes"] - received < 200_000, "video went on in screenshot mode"
    quiet = viewer.quiet_video_bytes()
    patches.paint(COLOURS)
    viewer.wait_painted(1)
    assert viewer.stats["video_bytes"] == quiet


def test_the_token_leaves_the_address_bar_and_the_cookie_stays(
    stack: Stack, open_viewer: Open
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.painted > 0")
    assert "token" not in viewer.page.url
    (cookie,) = viewer.page.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    secret = stack.link.split("#token=")[1]
    assert secret not in stack.output.replace(stack.link, ""), "a token in the log"
    viewer.page.reload()
    viewer.wait("stats.painted > 0")


def test_what_is_typed_arrives(stack: Stack, open_viewer: Open, typed: Path) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.painted > 0")
    viewer.click_desk(200, 100)
    viewer.type("Hello, World! 100% [ok] {~|}")
    viewer.page.keyboard.press("Enter")
    wait_until(lambda: typed.read_text() == "Hello, World! 100% [ok] {~|}\n", "the line")
    # This text comes from no key, like what an input method or a phone commits.
    viewer.page.keyboard.insert_text("naïve 漢字 ☃")
    viewer.page.keyboard.press("Enter")
    wait_until(
        lambda: typed.read_text().splitlines()[1:] == ["naïve 漢字 ☃"],
        "the text of an input method",
    )


def test_the_pointer_goes_where_it_is_put(
    stack: Stack, open_viewer: Open, xserver: XServer
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.painted > 0")
    for point in ((3, 5), (640, 360), (1279, 719)):
        viewer.page.mouse.move(*viewer.desk_point(*point))

        def there(want: tuple[int, int] = point) -> bool:
            out = subprocess.run(
                ["xdotool", "getmouselocation", "--shell"], capture_output=True, text=True,
                check=True, env={"DISPLAY": xserver.display, "PATH": "/usr/bin"},
            ).stdout  # fmt: skip
            at = tuple(int(n) for n in re.findall(r"^[XY]=(\d+)", out, re.M))
            return max(abs(a - b) for a, b in zip(at, want, strict=True)) <= 1

        wait_until(there, f"the pointer at {point}")


def test_a_key_that_is_held_goes_up_when_its_viewer_leaves(
    stack: Stack, open_viewer: Open, xserver: XServer, typed: Path
) -> None:
    viewer = open_viewer(stack.link)
    viewer.wait("stats.painted > 0")
    viewer.click_desk(200, 100)
    viewer.page.keyboard.down("Shift")
    wait_until(xserver.keys_down, "shift down")
    viewer.page.close()
    wait_until(lambda: not xserver.keys_down(), "shift up")


def test_a_view_token_watches_and_nothing_else(
    stack: Stack, open_viewer: Open, typed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    token = stack.token("--role", "view", "--desk", "main", "--ttl", "10m")
    viewer = open_viewer(f"{stack.url}/?desk=main#token={token}")
    viewer.wait("stats.painted > 0")
    viewer.click_desk(200, 100)
    viewer.page.keyboard.type("forbidden\n")
    controller = open_viewer(stack.link)
    controller.wait("stats.painted > 0")
    controller.click_desk(200, 100)
    controller.page.keyboard.type("allowed\n")
    wait_until(lambda: typed.read_text() == "allowed\n", "only the allowed line")
    assert "view" in viewer.text().lower()


def test_two_viewers_see_the_same_and_none_is_left_encoding(
    stack: Stack, open_viewer: Open, patches: Patches
) -> None:
    first, second = open_viewer(stack.link), open_viewer(stack.link)
    for viewer in (first, second):
        viewer.wait("stats.painted > 0")
        assert_colours(viewer, patches)
    for viewer in (first, second):
        viewer.page.close()
    url = stack.health_url("capture-main") + "/metrics"

    def grabs() -> str:
        text = httpx.get(url, trust_env=False).text
        return re.findall(r"^fanlight_capture_grabs_total\S* (\S+)", text, re.M)[0]

    def resting() -> bool:
        before = grabs()
        for _ in range(3):
            patches.paint(tuple(reversed(COLOURS)))
            patches.paint(COLOURS)
        return grabs() == before

    wait_until(resting, "no grabs without a viewer")


def test_a_screenshot_is_had_without_a_browser(stack: Stack, patches: Patches) -> None:
    base = f"http://127.0.0.1:{stack.screenshot_port}"
    with httpx.Client(trust_env=False, base_url=base) as client:
        assert client.get("/desks").json()["desks"][0]["name"] == "main"
        answer = client.get("/desks/main/screenshot", params={"format": "png"})
        assert answer.headers["content-type"] == "image/png"
        again = client.get(
            "/desks/main/screenshot",
            params={"format": "png"},
            headers={"If-None-Match": answer.headers["etag"]},
        )
        assert again.status_code == 304
        assert client.get("/desks/other/screenshot").status_code == 404
        assert client.get("/desks/main/screenshot?quality=900").status_code == 422


def test_an_origin_that_is_not_secure_gets_screenshots_and_is_told_why(
    stack: Stack, open_viewer: Open, patches: Patches
) -> None:
    link = stack.link.replace("127.0.0.1", "insecure.test")
    viewer = open_viewer(link)
    viewer.wait("stats.state === 'no-decoder' && stats.painted > 0")
    assert_colours(viewer, patches)
    assert viewer.stats["video_bytes"] == 0
    assert re.search(r"TLS|https", viewer.text(), re.I), viewer.text()
