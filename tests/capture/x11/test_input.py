"""Input into a real X server, as programs on it see it."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import xcffib
import xcffib.xproto
import zmq

from fanlight_capture import metrics
from fanlight_capture.core.positions import position
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint, open_socket
from fanlight_common.protocol import bus, input
from fanlight_common.protocol.keyboard import USAGE_BY_CODE
from tests.capture.conftest import Capture, StartCapture, XServer, until
from tests.metrics import count

pytestmark = pytest.mark.x11


class Terminal:
    """An xterm that writes everything that is typed into a file."""

    def __init__(self, server: XServer, path: Path) -> None:
        self._path = path
        ready = path.with_suffix(".ready")
        script = f"stty -echo; touch {ready}; exec cat > {path}"
        server.spawn("xterm", "-u8", "-geometry", "80x24+0+0", "-e", "sh", "-c", script)
        self._ready = ready

    async def ready(self) -> None:
        await until(self._ready.exists, "xterm")

    async def reads(self, text: str) -> None:
        try:
            await until(lambda: self.text().endswith(text), "typed text")
        except AssertionError:
            raise AssertionError(f"{self.text()!r} does not end with {text!r}") from None

    def text(self) -> str:
        return self._path.read_text() if self._path.exists() else ""


class Keyboard:
    """Asks the server which keys are pressed and where the pointer is."""

    def __init__(self, server: XServer) -> None:
        self.raw: Any = xcffib.connect(display=server.display)
        self.root = self.raw.get_setup().roots[0].root

    def down(self) -> set[int]:
        keys = self.raw.core.QueryKeymap().reply().keys
        return {k for k in range(256) if keys[k // 8] >> k % 8 & 1}

    def pointer(self) -> Any:
        return self.raw.core.QueryPointer(self.root).reply()

    def close(self) -> None:
        self.raw.disconnect()


@pytest.fixture
async def desk(xserver: XServer, start_capture: StartCapture) -> Capture:
    capture = await start_capture(display=xserver.display)
    await capture.live()
    return capture


@pytest.fixture
async def keyboard(xserver: XServer) -> AsyncIterator[Keyboard]:
    made = Keyboard(xserver)
    yield made
    made.close()


@pytest.fixture
async def terminal(desk: Capture, xserver: XServer, tmp_path: Path) -> Terminal:
    made = Terminal(xserver, tmp_path / "typed")
    await made.ready()
    # Without a window manager the window under the pointer has the keyboard.
    await desk.input(input.PointerMove(20_000, 20_000))
    return made


def usages(*codes: str) -> list[int]:
    return [USAGE_BY_CODE[code] for code in codes]


async def test_keys_arrive_and_the_layout_decides(
    desk: Capture, terminal: Terminal, xserver: XServer
) -> None:
    await desk.tap(*usages("KeyY"))
    await desk.tap(*usages("ShiftLeft", "KeyZ"))
    await desk.tap(*usages("Enter"))
    await terminal.reads("yZ\n")
    xserver.run("setxkbmap", "de")
    await desk.tap(*usages("KeyY"))
    await desk.tap(*usages("Minus"))
    await desk.tap(*usages("AltRight", "KeyE"))
    await desk.tap(*usages("Enter"))
    await terminal.reads("zß€\n")


async def test_text_of_any_script_arrives(desk: Capture, terminal: Terminal) -> None:
    text = "Aé漢😀 (x) \tñ~Ж\n"
    await desk.input(input.Text(text))
    await terminal.reads(text)
    # This text has more different characters than there are spare keys.
    text = "日本語の文章を入力する方法について、漢字と仮名を交ぜて書く。\n"
    await desk.input(input.Text(text))
    await terminal.reads(text)
    # Keys that come after a text are typed after it.
    await desk.input(input.Text("ü"))
    await desk.tap(*usages("KeyA"))
    await desk.tap(*usages("Enter"))
    await terminal.reads("üa\n")


async def test_text_on_another_layout(desk: Capture, terminal: Terminal, xserver: XServer) -> None:
    xserver.run("setxkbmap", "fr")
    text = "azerty QWERTY 123 @€ ê {}\n"
    await desk.input(input.Text(text))
    await terminal.reads(text)
    xserver.run("setxkbmap", "us,ru")
    await desk.input(input.Text(text))
    await terminal.reads(text)


async def test_text_leaves_held_modifiers_and_caps_lock_as_they_are(
    desk: Capture, terminal: Terminal, keyboard: Keyboard
) -> None:
    await desk.tap(*usages("CapsLock"))
    await desk.key(*usages("ShiftLeft"), True)
    await desk.input(input.Text("aBé1\n"))
    await terminal.reads("aBé1\n")
    await until(lambda: len(keyboard.down()) == 1)
    assert keyboard.pointer().mask & 3 == 3
    await desk.key(*usages("ShiftLeft"), False)
    await desk.tap(*usages("KeyA"))
    await desk.tap(*usages("Enter"))
    await terminal.reads("A\n")


async def test_long_text_does_not_hold_up_the_rest(desk: Capture, terminal: Terminal) -> None:
    text = "".join(f"line {i} of many\n" for i in range(200))
    await desk.input(input.Text(text))
    await terminal.reads(text)


async def test_pointer_goes_where_it_is_sent(desk: Capture, keyboard: Keyboard) -> None:
    def at(x: int, y: int) -> bool:
        now = keyboard.pointer()
        return (now.root_x, now.root_y) == (x, y)

    for x, y in ((0, 0), (799, 599), (123, 456)):
        where = position(x, y, 800, 600)
        await desk.input(input.PointerMove(where.x, where.y))
        await until(lambda: at(x, y), f"pointer at {x}, {y}")  # noqa: B023
    await desk.input(input.PointerMoveRelative(-23, 44))
    await until(lambda: at(100, 500), "relative")


async def test_buttons_and_wheel(desk: Capture, xserver: XServer, tmp_path: Path) -> None:
    log = tmp_path / "xev"
    with log.open("wb") as file:
        xserver.spawn(
            *("xev", "-event", "button", "-event", "mouse", "-geometry", "800x600+0+0"),
            stdout=file,
        )

    def entered() -> bool:
        # The window hears of the pointer only when it moves.
        xserver.run("xdotool", "mousemove_relative", "1", "1")
        return "MotionNotify" in log.read_text()

    await until(entered, "xev")
    for button in range(5):
        await desk.input(input.PointerButton(True, button, (30_000 + button, 30_000)))
        await desk.input(input.PointerButton(False, button, None))
    for dx, dy in ((0, 60), (0, 60), (0, -120), (120, 0), (-120, 0)):
        await desk.input(input.Wheel(dx, dy, None))

    def pressed() -> list[int]:
        text = log.read_text()
        presses = text.split("ButtonPress event")[1:]
        return [int(p.split("button ")[1].split(",")[0]) for p in presses]

    await until(lambda: len(pressed()) >= 9, "button events")
    assert pressed() == [1, 2, 3, 8, 9, 5, 4, 7, 6]


async def test_nothing_is_stuck(desk: Capture, keyboard: Keyboard) -> None:
    ctrl, key_c = usages("ControlLeft", "KeyC")
    for reason in ("blur", "left"):
        await desk.key(ctrl, True)
        await desk.key(key_c, True)
        await desk.input(input.PointerButton(True, 0, None))
        await until(lambda: len(keyboard.down()) == 2 and keyboard.pointer().mask & 0x100)
        await desk.tell(bus.ReleaseViewer("main", "viewer-1", reason))
        await until(lambda: not keyboard.down() and not keyboard.pointer().mask & 0x100)
    # A viewer that falls silent lets go as well.
    releases = count(metrics.releases)
    await desk.key(ctrl, True)
    await until(lambda: len(keyboard.down()) == 1)
    await until(lambda: not keyboard.down())
    assert count(metrics.releases) == releases + 1


async def test_unknown_keys_are_counted(desk: Capture, keyboard: Keyboard) -> None:
    ignored = count(metrics.inputs_ignored)
    await desk.tap(0x01)
    await until(lambda: count(metrics.inputs_ignored) == ignored + 2)
    assert not keyboard.down()


def start(env: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "fanlight_capture"], env=env, stderr=subprocess.DEVNULL
    )


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_process_that_ends_leaves_no_key_down(
    xserver: XServer, keyboard: Keyboard, runtime_dir: Path, number: signal.Signals
) -> None:
    """After SIGTERM capture releases the keys. After SIGKILL the desk's next capture does."""
    env = {
        **os.environ,
        "FANLIGHT_RUNTIME_DIR": str(runtime_dir),
        "FANLIGHT_ID": "capture-main",
        "FANLIGHT_CAPTURE_DISPLAY": xserver.display,
    }
    context = zmq.asyncio.Context()
    inlet = open_socket(context, SocketRole.TELL)
    inlet.connect(ipc_endpoint(runtime_dir, "capture-main", "inlet"))
    processes = [start(env)]
    try:
        down = input.Key(True, *usages("ShiftLeft"))

        async def held() -> bool:
            # A capture drops input until its display is there.
            await inlet.send(bus.encode(bus.Input("main", "v", 1, down.encode())))
            return bool(keyboard.down())

        await until(held)
        processes[0].send_signal(number)
        code = processes[0].wait(timeout=2.0)
        if number is signal.SIGTERM:
            assert code == 0
        else:
            assert keyboard.down()
            processes.append(start(env))
        await until(lambda: not keyboard.down())
    finally:
        for process in processes:
            process.kill()
            process.wait()
        context.destroy(linger=0)


def test_a_wrong_setting_is_named() -> None:
    env = {**os.environ, "FANLIGHT_CAPTURE_MAX_FPS": "many"}
    done = subprocess.run(
        [sys.executable, "-m", "fanlight_capture"], env=env, capture_output=True, text=True
    )
    # A supervisor does not start it again with this status.
    assert done.returncode == 2
    assert "FANLIGHT_CAPTURE_MAX_FPS" in done.stderr
    assert "Traceback" not in done.stderr
