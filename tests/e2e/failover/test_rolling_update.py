"""Services of two releases work side by side.

Every process is replaced by one of the next release, one after the other, while a viewer without a
browser and a page in Chromium watch and type.
"""

import itertools
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import ConsoleMessage

from fanlight_capture.core import pattern
from fanlight_common.protocol import binary, bus, control, frames, input
from tests.e2e.conftest import Viewer
from tests.e2e.failover import next_release
from tests.e2e.failover.cluster import Cluster, Service
from tests.e2e.failover.witness import TOLERANCE, Witness
from tests.e2e.processes import wait_ready, wait_until
from tests.e2e.proxies import Balancer
from tests.ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.processes]
FORTH = ("directory", "capture", "encoder", "gateway", "screenshot")
REFUSALS = r"^(fanlight_\w*(?:refused|not_understood)\w*_total(?:\{.*\})?) (\S+)$"
WIDTH, HEIGHT = 640, 360
CELLS = [
    (index * pattern.CELL + pattern.CELL // 2, HEIGHT - pattern.CELL // 2)
    for index in range(pattern.BITS)
]
"""The middle of each cell of the barcode, in desk pixels."""
CENTRES = [pattern.colour_centre(index, WIDTH, HEIGHT) for index in range(len(pattern.COLOURS))]
ON_VIDEO = (
    "stats.transport === 'websocket' && stats.connection === 'open' && stats.state === 'video'"
)


class House:
    """All services, a viewer that decodes what it gets, and a file with the desk's input."""

    def __init__(self, folder: Path) -> None:
        self.typed = folder / "typed"
        self.cluster = Cluster(
            FANLIGHT_DIRECTORY_MOVES_PER_S="0",
            FANLIGHT_CAPTURE_PATTERN_INPUT_LOG=str(self.typed),
        )
        self.cluster.directory()
        self.cluster.desk("main", width=WIDTH, height=HEIGHT, fps=10)
        self.cluster.encoder("encoder-0")
        self.cluster.screenshot()
        self.cluster.gateway("gateway-0")
        self.gateway = "gateway-0"
        self.gateway_ports = [self.cluster.ports["gateway-0"], free_port()]
        """The ports of the first gateway, and of the one that replaces it."""
        self.viewer = self._watch()
        self._keys = itertools.count(4)

    def close(self) -> None:
        """End the viewer and all services."""
        self.viewer.close()
        self.cluster.close()

    def _watch(self) -> Witness:
        return Witness(self.cluster.ports[self.gateway], self.cluster.token(), "main")

    def check(self) -> None:
        """Check that the viewer gets right pictures and a screenshot, and the desk the key."""
        self.viewer.wait_units(8)
        assert self.viewer.wrong == []
        key = next(self._keys)
        for down in (True, False):
            self.viewer.send(input.Key(down, key).encode())
        wait_until(lambda: ["key", key, False] in self.inputs(), f"key {key} to be released")
        assert ["key", key, True] in self.inputs()
        wait_until(self._has_screenshot, "a screenshot")

    def inputs(self) -> list[list[object]]:
        """Return the desk's input so far, whichever capture got it."""
        lines = self.typed.read_text().splitlines() if self.typed.exists() else []
        return [json.loads(line) for line in lines]

    def _has_screenshot(self) -> bool:
        port = self.cluster.ports[self.gateway]
        return self.cluster.get(port, "/api/desks/main/screenshot").status_code == 200

    # Each of these methods replaces one kind of process by one of the next release.

    def directory(self) -> None:
        """Restart the directory in its place."""
        begin_next(self.cluster.services["directory"])

    def capture(self) -> None:
        """Restart capture in its place. The new one counts its pictures from 0."""
        newest = self.viewer.deliveries[-1].number or 0
        begin_next(self.cluster.services["capture-main"])
        wait_until(lambda: (self.viewer.deliveries[-1].number or 0) < newest, "its first picture")
        self._forgive(r"\d+/\d+")

    def encoder(self) -> None:
        """Start a second encoder, which takes over from the first without a gap."""
        before = self.viewer.epoch
        self.cluster.command_of = next_command
        self.cluster.encoder("encoder-1")
        self.cluster.services["encoder-0"].terminate()
        first = self.viewer.wait_epoch_after(before)
        assert first.idr
        # test_failover asks how old the first picture may be, on a machine that has time.
        self._forgive(f"{first.epoch}/{first.sequence}")
        assert self.cluster.holder("main/high").id == "encoder-1"

    def _forgive(self, unit: str) -> None:
        """Drop what the viewer noted of pictures that are older than the one before them."""
        older = re.compile(rf"{unit}: picture \d+ after \d+")
        self.viewer.wrong[:] = [wrong for wrong in self.viewer.wrong if not older.match(wrong)]

    def another_gateway(self) -> None:
        """Start a second gateway, end the first, and let the viewer come back to the second."""
        self.cluster.command_of = next_command
        port = self.gateway_ports[1]
        self.cluster.gateway("gateway-1", port=port)
        wait_until(lambda: self.cluster.answers(port, "/readyz"), "the second gateway")
        self.cluster.services["gateway-0"].terminate()
        wait_until(lambda: self.viewer.close_code is not None, "the viewer to be sent away")
        assert self.viewer.close_code == binary.CloseCode.GOING_AWAY
        assert self.viewer.wrong == []
        self.viewer.close()
        self.gateway = "gateway-1"
        self.viewer = self._watch()

    def screenshot(self) -> None:
        """Restart the screenshot service in its place."""
        begin_next(self.cluster.services["screenshot"])

    def replace(self, kind: str) -> None:
        """Replace the process of this kind."""
        steps: dict[str, Callable[[], None]] = {
            "directory": self.directory,
            "capture": self.capture,
            "encoder": self.encoder,
            "gateway": self.another_gateway,
            "screenshot": self.screenshot,
        }
        steps[kind]()

    def refusals(self) -> dict[str, float]:
        """Return what the metrics of living processes count as refused, by process and metric."""
        found: dict[str, float] = {}
        for service in self.cluster.services.values():
            if service.process.poll() is not None:
                continue
            (url,) = re.findall(r"event=start .*health=(\S+)", service.life)
            text = httpx.get(f"{url}/metrics", trust_env=False).text
            for name, value in re.findall(REFUSALS, text, re.MULTILINE):
                if float(value):
                    found[f"{service.id} {name}"] = float(value)
        return found


def next_command(kind: str) -> list[str]:
    """Return the command that starts a service of the next release."""
    return [sys.executable, next_release.__file__, f"fanlight_{kind}"]


def begin_next(service: Service) -> None:
    """End a service, and start one of the next release in its place."""
    service.terminate()
    service.command = next_command(service.kind)
    service.start()
    wait_until(lambda: "event=start " in service.life, f"{service.id} to start")


class Page:
    """A page of the present release in Chromium, which is never loaded again."""

    def __init__(self, viewer: Viewer, inputs: Callable[[], list[list[object]]]) -> None:
        self.errors: list[str] = []
        """What the page wrote to the console as an error, except that its WebSocket failed."""
        self._viewer = viewer
        self._inputs = inputs
        self._letters = iter("qrstuvw")
        viewer.page.on("console", self._note)
        viewer.wait(ON_VIDEO)
        viewer.page.evaluate("window.isTheFirst = true")
        viewer.click_desk(200, 100)

    def check(self) -> None:
        """Check that the page paints right pictures from video, and that its key arrives once."""
        # Without a click a page that has fallen back never returns to video, so this also fails
        # if the update looked like a bad link to the page.
        self._viewer.wait(ON_VIDEO)
        before = self._number()
        self._viewer.wait_painted(8)
        wait_until(
            lambda: self._number() not in (None, before),
            f"another right picture after {before}; {self._viewer.account()}",
        )
        letter = next(self._letters)
        usage = ord(letter) - ord("a") + 4
        self._viewer.page.keyboard.press(letter)
        wait_until(lambda: ["key", usage, False] in self._inputs(), f"{letter} to be released")
        assert self._inputs().count(["key", usage, True]) == 1

    def is_the_first(self) -> bool:
        """Return whether the page was never loaded again."""
        return bool(self._viewer.page.evaluate("window.isTheFirst === true"))

    def _number(self) -> int | None:
        """Return the number of the picture on the canvas; None if the picture is not right."""
        colours = self._viewer.pixels([*CELLS, *CENTRES])
        cells = [green > 127 for _, green, _ in colours[: len(CELLS)]]
        worst = max(
            abs(a - b)
            for seen, wanted in zip(colours[len(CELLS) :], pattern.COLOURS, strict=True)
            for a, b in zip(seen, wanted, strict=True)
        )
        if cells[:2] != [True, False] or worst > TOLERANCE:
            return None
        return sum(cell << bit for bit, cell in enumerate(cells[2:]))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("WebSocket connection to"):
            self.errors.append(message.text)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


@pytest.fixture
def balancer(house: House, tmp_path: Path) -> Iterator[Balancer]:
    """One address for both gateways, as docs/operations.md shows; the second does not run yet."""
    running = Balancer(tmp_path, house.gateway_ports)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def page(house: House, balancer: Balancer, open_viewer: Callable[..., Viewer]) -> Page:
    address = f"http://127.0.0.1:{balancer.port}"
    # HAProxy answers 503 until it has seen that a gateway is ready.
    wait_ready(f"{address}/readyz")
    link = f"{address}/?desk=main#token={house.cluster.token()}"
    return Page(open_viewer(link), house.inputs)


@pytest.mark.parametrize("order", [FORTH, FORTH[::-1]], ids=["directory first", "directory last"])
def test_every_process_is_replaced_while_viewers_watch(
    house: House, page: Page, order: tuple[str, ...]
) -> None:
    house.check()
    page.check()
    for kind in order:
        house.replace(kind)
        house.check()
        page.check()
    assert page.is_the_first()
    assert page.errors == []
    assert house.refusals() == {}
    for service in house.cluster.services.values():
        assert "event=not_understood" not in service.output
        assert "Traceback" not in service.output


def test_the_next_release_writes_what_this_one_does_not_know() -> None:
    """Without this the test above would prove nothing."""
    later = next_release.with_a_field(bus.Farewell)
    assert bus.encode(later("a", "b", "new")) != bus.encode(bus.Farewell("a", "b"))
    assert bus.decode_directory_inlet(bus.encode(later("a", "b", "new"))) == bus.Farewell("a", "b")
    unit = binary.VideoUnit(True, 8, 8, 1, 1, 1, b"x")
    longer = next_release.unit_with_a_field(unit.encode())
    assert next_release.MARK in longer
    assert binary.VideoUnit.decode(longer) == unit
    pixels = memoryview(bytes(256))
    frame = frames.Frame(8, 8, 32, 1, 1, 1, 1, (), None, pixels)
    message = next_release.frame_with_a_field(frames.encode(b"t/", frame), b"t/")
    assert next_release.MARK in message
    assert frames.decode(message, b"t/") == frame
    assert control.decode_from_gateway(
        '{"welcome":{"protocol":2,"desk":"d","role":"view",'
        '"settings":{},"of_the_next_release":"new"}}'
    )
