"""A key that is held, at a real X server: only the viewer repeats it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fanlight_capture import metrics
from fanlight_capture.core.held_keys import HeldKeyLimits
from fanlight_common.protocol import input
from fanlight_common.protocol.keyboard import USAGE_BY_CODE
from tests.capture.conftest import Capture, StartCapture, XServer, until
from tests.capture.x11.test_input import Keyboard, Terminal
from tests.metrics import count

pytestmark = pytest.mark.x11
KEY_A, BACKSPACE, ENTER, SHIFT, CAPS = (
    USAGE_BY_CODE[code] for code in ("KeyA", "Backspace", "Enter", "ShiftLeft", "CapsLock")
)
LATE_S = 1.2
"""Longer than the server waits before it repeats a key by itself (0.66 s), and ten repeats more.

Nothing may be typed in this time, so the tests let it pass."""


@pytest.fixture
async def desk(xserver: XServer, start_capture: StartCapture) -> Capture:
    capture = await start_capture(
        display=xserver.display, held_key_limits=HeldKeyLimits(silence_s=30.0)
    )
    await capture.live()
    return capture


@pytest.fixture
async def terminal(desk: Capture, xserver: XServer, tmp_path: Path) -> Terminal:
    made = Terminal(xserver, tmp_path / "typed")
    await made.ready()
    await desk.input(input.PointerMove(20_000, 20_000))
    return made


@pytest.fixture
async def keyboard(xserver: XServer) -> AsyncIterator[Keyboard]:
    made = Keyboard(xserver)
    yield made
    made.close()


async def line(desk: Capture, terminal: Terminal) -> str:
    """Type Enter. Returns what was typed since the last line."""
    lines = terminal.text().count("\n")
    await desk.tap(ENTER)
    await until(lambda: terminal.text().count("\n") > lines, "the line")
    return terminal.text().splitlines()[-1]


async def test_a_key_up_that_is_late_types_nothing(desk: Capture, terminal: Terminal) -> None:
    await desk.key(KEY_A, True)
    await asyncio.sleep(LATE_S)
    await desk.key(KEY_A, False)
    assert await line(desk, terminal) == "a"


async def test_a_key_that_its_viewer_repeats(desk: Capture, terminal: Terminal) -> None:
    for _ in range(5):
        await desk.key(KEY_A, True)
        await asyncio.sleep(0.2)  # downs that come together would count once
    await desk.key(KEY_A, False)
    assert await line(desk, terminal) == "aaaaa"


async def test_what_a_stall_held_back_is_not_typed(desk: Capture, terminal: Terminal) -> None:
    ignored = count(metrics.inputs_ignored)
    await desk.key(KEY_A, True)
    for _ in range(60):
        await desk.key(KEY_A, True)
    await desk.key(KEY_A, False)
    typed = await line(desk, terminal)
    # If this machine stalls itself, a few repetitions may count as fresh.
    assert 1 <= len(typed) <= 5
    assert count(metrics.inputs_ignored) >= ignored + 60 - 4


@pytest.mark.parametrize(
    "command",
    [
        ("xset", "r", "on"),
        ("xset", "r", "off"),
        ("xset", "r", "rate", "150", "50"),
        ("setxkbmap", "us", "-variant", "intl"),
        ("xmodmap", "-e", "keycode 248 = eacute"),
    ],
)
async def test_whatever_a_program_sets_the_viewer_decides(
    desk: Capture, terminal: Terminal, xserver: XServer, command: tuple[str, ...]
) -> None:
    xserver.run(*command)
    await desk.key(KEY_A, True)
    await asyncio.sleep(LATE_S)
    await desk.key(KEY_A, True)
    await asyncio.sleep(LATE_S)
    await desk.key(KEY_A, False)
    assert await line(desk, terminal) == "aa"


async def test_text_that_borrows_keys_changes_nothing_of_it(
    desk: Capture, terminal: Terminal
) -> None:
    await desk.input(input.Text("\u6f22\u5b57"))
    await desk.key(KEY_A, True)
    await asyncio.sleep(LATE_S)
    await desk.key(KEY_A, False)
    assert await line(desk, terminal) == "\u6f22\u5b57a"


async def test_the_desks_own_keyboard_repeats_as_before(
    desk: Capture, terminal: Terminal, xserver: XServer
) -> None:
    """`xdotool` presses keys as another program does, or a person at the desk."""

    def settings() -> str:
        return xserver.run("xset", "q").split("Pointer Control")[0]

    before = settings()
    assert "auto repeat:  on" in before
    await desk.key(KEY_A, True)
    await asyncio.sleep(0.3)  # downs that come together would count once
    await desk.key(KEY_A, True)
    await desk.key(KEY_A, False)
    assert await line(desk, terminal) == "aa"
    assert settings() == before
    xserver.run("xdotool", "keydown", "a")
    await asyncio.sleep(LATE_S)  # how long the key is held down
    xserver.run("xdotool", "keyup", "a")
    assert len(await line(desk, terminal)) > 3


async def test_modifiers_stay_down(desk: Capture, xserver: XServer, tmp_path: Path) -> None:
    """Five presses of Shift would turn sticky keys on, and Caps Lock would go on and off."""
    log = tmp_path / "xev"
    with log.open("wb") as file:
        xserver.spawn("xev", "-event", "keyboard", "-geometry", "800x600+0+0", stdout=file)

    def focused() -> bool:
        xserver.run("xdotool", "mousemove", "100", "100", "mousemove", "110", "110")
        window = xserver.run("xdotool", "getmouselocation", "--shell")
        return "WINDOW=" in window and "KeymapNotify" in log.read_text()

    await until(focused, "xev")
    for control in (SHIFT, CAPS):
        for _ in range(5):
            await desk.key(control, True)
            await asyncio.sleep(0.15)  # downs that come together would count once
        await desk.key(control, False)
    await until(lambda: log.read_text().count("KeyRelease event") == 2, "the releases")
    assert log.read_text().count("KeyPress event") == 2
