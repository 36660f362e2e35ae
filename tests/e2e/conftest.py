"""Fixtures of the end-to-end tests: each test module has a desk and a stack, all share one browser.

The browser stays open until the next test is one of another folder. It cannot stay longer, because
Playwright's synchronous interface keeps an event loop running on the main thread, and the
asynchronous tests of other folders would find that loop there. A worker of pytest-xdist runs the
files of this folder in a row.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, Request, sync_playwright

from tests.e2e.processes import (
    CHROMIUM,
    CHROMIUM_FLAGS,
    DelayProxy,
    Stack,
    XServer,
    running,
    wait_until,
)

READ_PIXELS = """points => {
  const canvas = document.querySelector('fanlight-view').shadowRoot.querySelector('canvas');
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d');
  context.drawImage(canvas, 0, 0);
  return points.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3));
}"""
SHIFTED = {"!": "1", "%": "5", "{": "[", "}": "]", "|": "\\", "~": "`"}


class Viewer:
    """A page with a `<fanlight-view>`: what the tests read of it and do to it."""

    def __init__(self, page: Page, problems: list[str]) -> None:
        self.page = page
        self.problems = problems
        """The page's uncaught errors, as text."""
        self._awaited: dict[Request, str] = {}
        """The requests that have no answer yet, or whose answer is no success."""
        page.on("request", lambda request: self._awaited.update({request: request.url}))
        page.on("requestfinished", lambda request: self._awaited.pop(request, None))
        page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        self._awaited[request] = f"{request.url} failed: {request.failure}"

    @property
    def stats(self) -> dict[str, Any]:
        """Return the statistics that the element counts itself."""
        stats: dict[str, Any] = self.page.evaluate("document.querySelector('fanlight-view').stats")
        return stats

    def account(self) -> str:
        """Return what the page shows and its errors, for the message of a test that fails."""
        stats = self.page.evaluate("document.querySelector('fanlight-view')?.stats ?? null")
        requests = list(self._awaited.values())
        return f"{self.page.url}; {stats}; {self.text()}; {self.problems}; awaited: {requests}"

    def wait(self, condition: str, limit_s: float = 20.0) -> None:
        """Wait until the JavaScript `condition` on `stats` is true."""
        # Playwright's wait_for_function would evaluate a string in the page, which the page's CSP
        # rightly refuses.
        deadline = time.monotonic() + limit_s
        while not self.page.evaluate(
            f"(() => {{ const stats = document.querySelector('fanlight-view')?.stats;"
            f" return stats && ({condition}); }})()"
        ):
            assert time.monotonic() < deadline, f"not in {limit_s} s: {condition}; {self.account()}"
            self.page.wait_for_timeout(20)

    def wait_painted(self, more: int = 1, limit_s: float = 20.0) -> None:
        """Wait until the page has painted `more` pictures from now on."""
        self.wait(f"stats.painted >= {self.stats['painted'] + more}", limit_s)

    def quiet_video_bytes(self) -> int:
        """Wait until no more video arrives, and return the bytes of video received so far."""
        before = -1
        while (now := int(self.stats["video_bytes"])) != before:
            before = now
            self.page.wait_for_timeout(1200)  # longer than two reports of statistics
        return now

    def pixels(self, points: list[tuple[int, int]]) -> list[list[int]]:
        """Return the colours that the page shows at these desk pixels, as [red, green, blue]."""
        colours: list[list[int]] = self.page.evaluate(READ_PIXELS, points)
        return colours

    def desk_point(self, x: int, y: int) -> tuple[float, float]:
        """Return where a desk pixel is on the page, in CSS pixels."""
        box = self.page.evaluate(
            """() => {
              const canvas = document.querySelector('fanlight-view')
                .shadowRoot.querySelector('canvas');
              const r = canvas.getBoundingClientRect();
              const scale = Math.min(r.width / canvas.width, r.height / canvas.height);
              return [r.left + (r.width - canvas.width * scale) / 2,
                      r.top + (r.height - canvas.height * scale) / 2, scale];
            }"""
        )
        return box[0] + (x + 0.5) * box[2], box[1] + (y + 0.5) * box[2]

    def click_desk(self, x: int, y: int) -> None:
        """Click a desk pixel, after which the element has the keyboard."""
        self.page.mouse.click(*self.desk_point(x, y))

    def type(self, text: str) -> None:
        """Type as a person does, with the shift key, which Playwright's own `type` leaves out."""
        for character in text:
            if character in SHIFTED:
                self.page.keyboard.press(f"Shift+{SHIFTED[character]}")
            elif character.isupper():
                self.page.keyboard.press(f"Shift+{character.lower()}")
            else:
                self.page.keyboard.press(character)

    def text(self) -> str:
        """Return all text that the page shows, with that in the element's shadow root."""
        words: str = self.page.evaluate(
            """() => {
              const words = (root) => [...root.childNodes].map((node) => {
                if (node.nodeType === Node.TEXT_NODE) return node.textContent;
                if (node.nodeType !== Node.ELEMENT_NODE) return '';
                if (!node.checkVisibility()) return '';
                return words(node.shadowRoot ?? node);
              }).join(' ');
              return words(document.body).replace(/\\s+/g, ' ');
            }"""
        )
        return words


@pytest.fixture(scope="module")
def xserver() -> Iterator[XServer]:
    """A real X server of 1280x720 pixels."""
    server = XServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def stack(xserver: XServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`fanlight up`, which shows that X server as the desk `main`."""
    running = Stack({"main": xserver.display}, **private_state(tmp_path_factory.mktemp("state")))
    yield running
    running.close()


def private_state(directory: Path) -> dict[str, str]:
    """Return environment variables that keep the secret of the tests apart from the user's own."""
    return {"XDG_STATE_HOME": str(directory)}


class _Shared:
    """Playwright and one Chromium, which start when somebody first asks for them."""

    def __init__(self) -> None:
        self._opened = contextlib.ExitStack()
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    @property
    def playwright(self) -> Playwright:
        if self._playwright is None:
            self._playwright = self._opened.enter_context(sync_playwright())
        return self._playwright

    @property
    def browser(self) -> Browser:
        """Return the Chromium. If it has crashed, start another one."""
        if self._browser is None or not self._browser.is_connected():
            self._browser = self.playwright.chromium.launch(
                executable_path=CHROMIUM, args=CHROMIUM_FLAGS
            )
            self._opened.callback(self._browser.close)
        return self._browser

    def close(self) -> None:
        """End both. They start again if somebody asks for them later."""
        self._playwright = self._browser = None
        self._opened.close()


_shared = _Shared()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    yield
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _shared.close()


@pytest.fixture(scope="session")
def shared() -> Iterator[_Shared]:
    yield _shared
    _shared.close()


@pytest.fixture(scope="module")
def playwright(shared: _Shared) -> Playwright:
    """Playwright, for tests that start a browser of their own."""
    return shared.playwright


@pytest.fixture(scope="module")
def browser(shared: _Shared) -> Browser:
    """The Chromium that tests share."""
    return shared.browser


@pytest.fixture
def open_viewer(browser: Browser) -> Iterator[Callable[..., Viewer]]:
    """Return a function that opens a link in a new browser context.

    After the test no page that was opened may have had an uncaught error.
    """
    opened: list[Viewer] = []

    def open_link(link: str, **options: Any) -> Viewer:
        context = browser.new_context(viewport={"width": 1360, "height": 860}, **options)
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        viewer = Viewer(page, problems)
        opened.append(viewer)
        page.goto(link)
        return viewer

    yield open_link
    for viewer in opened:
        viewer.page.context.close()
    assert [viewer.problems for viewer in opened if viewer.problems] == []


@pytest.fixture
def proxy(stack: Stack) -> Iterator[DelayProxy]:
    """A TCP proxy before the gateway, whose delay the test sets."""
    door = DelayProxy(stack.port)
    yield door
    door.close()


@pytest.fixture
def typed(xserver: XServer, tmp_path: Path) -> Iterator[Path]:
    """A file to which an xterm that has the keyboard focus appends each line that is typed."""
    target = tmp_path / "typed"
    command = ["xterm", "-u8", "-display", xserver.display, "-geometry", "80x20+0+0"]
    command += ["-e", "sh", "-c", f"touch {target}; cat > {target}"]
    with running(command, stderr=subprocess.DEVNULL):
        wait_until(target.exists, "the terminal")
        yield target


@pytest.fixture
def moving(xserver: XServer) -> Iterator[subprocess.Popen[str]]:
    """An xterm whose text changes ten times a second."""
    # The place is beside the terminal of `typed`, so that neither covers the other.
    place = ["-geometry", "40x10+700+300"]
    command = ["xterm", "-display", xserver.display, *place, "-e", "sh", "-c"]
    with running(
        [*command, "while :; do date +%N; sleep 0.1; done"], stderr=subprocess.DEVNULL
    ) as process:
        yield process
