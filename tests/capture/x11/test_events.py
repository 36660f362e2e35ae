"""Pointer and clipboard of a real X server, both ways."""

import asyncio
import io
import os
import signal
import struct
import subprocess
from typing import Any

import pytest
import xcffib
import xcffib.xproto
from PIL import Image

from fanlight_capture import metrics
from fanlight_capture.core.positions import position, to_pixel
from fanlight_capture.x11 import clipboard, pointer
from fanlight_common.process.ticks import tick
from fanlight_common.protocol import bus, control
from tests.capture.conftest import TIMEOUT_S, Capture, Events, StartCapture, XServer, until
from tests.metrics import count

pytestmark = pytest.mark.x11


@pytest.fixture
async def desk(xserver: XServer, start_capture: StartCapture) -> Capture:
    capture = await start_capture(display=xserver.display)
    await capture.live()
    return capture


def texts(events: Events) -> list[str]:
    found = []
    for text in events.texts:
        message = control.decode_from_gateway(text)
        assert isinstance(message, control.Clipboard)
        found.append(message.text)
    return found


def copy(xserver: XServer, text: str) -> None:
    client = xserver.spawn("xclip", "-selection", "clipboard", "-quiet", stdin=subprocess.PIPE)
    assert client.stdin is not None
    client.stdin.write(text.encode())
    client.stdin.close()


async def paste(xserver: XServer, *options: str) -> str:
    """Paste in a thread, because this loop's capture has to answer meanwhile."""
    command = ("xclip", "-selection", "clipboard", "-o", *options)
    return await asyncio.to_thread(xserver.run, *command, check=False)


async def pasted(xserver: XServer, text: str) -> None:
    """Wait until the clipboard has this text; TimeoutError if it never does."""
    async with asyncio.timeout(TIMEOUT_S):
        while await paste(xserver) != text:
            pass


async def test_the_pointer_is_told_when_it_changes(desk: Capture, xserver: XServer) -> None:
    events = desk.events()
    await until(lambda: events.shapes and events.positions)
    first = events.shapes[0]
    image = Image.open(io.BytesIO(first.png))
    assert image.size == (first.width, first.height)
    extrema = image.getextrema()[3]
    assert isinstance(extrema, tuple)
    assert extrema[1] == 255
    xserver.run("xdotool", "mousemove", "321", "123")
    await until(lambda: events.positions[-1] == position(321, 123, 800, 600))
    assert to_pixel(events.positions[-1].x, 800) == 321
    xserver.run("xsetroot", "-cursor_name", "crosshair")
    await until(lambda: events.shapes[-1] != first)
    # While nothing happens, nothing is told.
    told = len(events.all)
    again = desk.events()
    await until(lambda: again.shapes and again.positions)
    assert again.shapes == events.shapes[-1:]
    assert len(events.all) <= told + 2
    numbers = [event.sequence for event in events.all]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_pointer_that_rested_is_told_of_as_well(
    desk: Capture, xserver: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []

    async def resting(interval_s: float) -> float:
        rests.append(interval_s)
        return await tick(interval_s)

    monkeypatch.setattr(pointer, "tick", resting)
    events = desk.events()
    await until(lambda: events.positions)
    for x in (111, 222):
        rested = len(rests)
        await until(lambda rested=rested: len(rests) > rested)  # type: ignore[misc]
        xserver.run("xdotool", "mousemove", str(x), "123")
        wanted = position(x, 123, 800, 600)
        await until(lambda wanted=wanted: events.positions[-1] == wanted)  # type: ignore[misc]


async def test_what_is_copied_at_the_desk_is_told(desk: Capture, xserver: XServer) -> None:
    copy(xserver, "before anybody watched")
    events = desk.events()
    await until(lambda: texts(events) == ["before anybody watched"])
    copy(xserver, "später: 漢😀\nzweite Zeile")
    await until(lambda: texts(events)[-1] == "später: 漢😀\nzweite Zeile")
    # The text is larger than one property may be, so xclip gives it in pieces.
    large = "0123456789abcdeé" * (control.MAX_CLIPBOARD_CHARS // 16)
    copy(xserver, large)
    await until(lambda: texts(events)[-1] == large)
    refused = count(metrics.clipboard_refused)
    copy(xserver, large + "x")
    await until(lambda: count(metrics.clipboard_refused) == refused + 1)
    copy(xserver, "after")
    await until(lambda: texts(events)[-1] == "after")


async def test_what_a_viewer_copied_can_be_pasted(desk: Capture, xserver: XServer) -> None:
    events = desk.events()
    await until(lambda: events.positions)
    await desk.tell(bus.SetClipboard("main", "viewer-1", "von außen 漢"))
    await until(lambda: texts(events) == ["von außen 漢"])
    assert await paste(xserver) == "von außen 漢"
    assert "UTF8_STRING" in (await paste(xserver, "-t", "TARGETS")).split()
    assert await paste(xserver, "-t", "STRING") == "von au\ufffden ?"
    large = "0123456789abcdeé" * (control.MAX_CLIPBOARD_CHARS // 16)
    await desk.tell(bus.SetClipboard("main", "viewer-1", large))
    await until(lambda: texts(events)[-1] == large)
    assert await paste(xserver) == large
    assert await paste(xserver, "-t", "image/png") == ""
    # A program at the desk takes over the clipboard.
    copy(xserver, "from the desk")
    await until(lambda: texts(events)[-1] == "from the desk")
    assert len(events.texts) == 3


async def test_nobody_watching_costs_nothing(desk: Capture, xserver: XServer) -> None:
    before = count(metrics.events)
    copy(xserver, "unseen")
    # The last owner has the clipboard, so xclip must have it before capture takes it.
    await pasted(xserver, "unseen")
    xserver.run("xdotool", "mousemove", "5", "5")
    await desk.tell(bus.SetClipboard("main", "viewer-1", "set"))
    await pasted(xserver, "set")
    assert count(metrics.events) == before


async def test_an_owner_that_does_not_answer_is_given_up(
    desk: Capture, xserver: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "CONVERT_TIMEOUT_S", 0.3)
    events = desk.events()
    await until(lambda: events.positions)
    copy(xserver, "first")
    await until(lambda: texts(events) == ["first"])
    hung = xserver._clients[-1]
    os.kill(hung.pid, signal.SIGSTOP)
    refused = count(metrics.clipboard_refused)
    again = desk.events()
    await until(lambda: texts(again) == ["first"])
    desk.service._source._clipboard._read()  # type: ignore[union-attr]  # an X11Source
    await until(lambda: count(metrics.clipboard_refused) == refused + 1)
    copy(xserver, "second")
    await until(lambda: texts(events)[-1] == "second")


class IncrementalOwner:
    """Owns the clipboard and gives it in pieces (INCR), from a thread of its own."""

    def __init__(self, xserver: XServer, pieces: list[bytes]) -> None:
        self._raw: Any = xcffib.connect(display=xserver.display)
        self._pieces = pieces
        self._window = self._raw.generate_id()
        root = self._raw.get_setup().roots[0].root
        self._raw.core.CreateWindow(0, self._window, root, 0, 0, 1, 1, 0, 2, 0, 0, [])
        self._raw.core.SetSelectionOwner(self._window, self._atom("CLIPBOARD"), 0)
        self._raw.flush()

    def serve(self) -> None:
        """Answer one request completely."""
        asked = self._wait(xcffib.xproto.SelectionRequestEvent)
        mask = xcffib.xproto.EventMask.PropertyChange
        self._raw.core.ChangeWindowAttributes(asked.requestor, xcffib.xproto.CW.EventMask, [mask])
        size = struct.pack("<I", sum(map(len, self._pieces)))
        self._raw.core.ChangeProperty(
            0, asked.requestor, asked.property, self._atom("INCR"), 32, 1, size
        )
        notify = struct.pack(
            "<BxxxIIIII8x",
            *(31, asked.time, asked.requestor, asked.selection, asked.target, asked.property),
        )
        self._raw.core.SendEvent(False, asked.requestor, 0, notify)
        self._raw.flush()
        for piece in (*self._pieces, b""):
            deleted = xcffib.xproto.Property.Delete
            while self._wait(xcffib.xproto.PropertyNotifyEvent).state != deleted:
                pass
            self._raw.core.ChangeProperty(
                0, asked.requestor, asked.property, asked.target, 8, len(piece), piece
            )
            self._raw.flush()

    def close(self) -> None:
        self._raw.disconnect()

    def _wait(self, kind: type) -> Any:
        while True:
            event = self._raw.wait_for_event()
            if isinstance(event, kind):
                return event

    def _atom(self, name: str) -> int:
        atom: int = self._raw.core.InternAtom(False, len(name), name).reply().atom
        return atom


async def test_a_clipboard_in_pieces(desk: Capture, xserver: XServer) -> None:
    events = desk.events()
    await until(lambda: events.positions)
    # A character is divided between two pieces.
    pieces = ["früh ".encode()[:3], "früh ".encode()[3:], b"x" * 70_000]
    owner = IncrementalOwner(xserver, pieces)
    await asyncio.to_thread(owner.serve)
    await until(lambda: texts(events) == ["früh " + "x" * 70_000])
    owner.close()


async def test_a_clipboard_in_too_many_pieces(desk: Capture, xserver: XServer) -> None:
    events = desk.events()
    await until(lambda: events.positions)
    refused = count(metrics.clipboard_refused)
    owner = IncrementalOwner(xserver, [b"x" * 200_000] * 8)
    serving = asyncio.create_task(asyncio.to_thread(owner.serve))
    await until(lambda: count(metrics.clipboard_refused) == refused + 1)
    # The owner waits until its last piece is taken, which will not happen.
    xserver.kill()
    with pytest.raises(xcffib.ConnectionException):
        await serving
    assert texts(events) == []
    owner.close()
