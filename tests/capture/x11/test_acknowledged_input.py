"""Acknowledged input on a real X server, and the frames that say which input they include."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import zmq.asyncio

from fanlight_common.protocol import bus, frames, input, topics
from fanlight_common.protocol.keyboard import USAGE_BY_CODE
from tests.capture.conftest import TIMEOUT_S, Capture, Frames, StartCapture, XServer, until

pytestmark = pytest.mark.x11
KEY_A = USAGE_BY_CODE["KeyA"]


@pytest.fixture
async def desk(xserver: XServer, start_capture: StartCapture) -> Capture:
    capture = await start_capture(display=xserver.display)
    await capture.live()
    return capture


@pytest.fixture
async def typed(desk: Capture, xserver: XServer, tmp_path: Path) -> Path:
    """A terminal that has the keyboard and no blinking cursor, and the file of what it reads."""
    ready, typed = tmp_path / "ready", tmp_path / "typed"
    script = f"stty raw -echo; touch {ready}; exec tee {typed}"
    typed.touch()
    xserver.spawn("xterm", "+bc", "-geometry", "80x24+0+0", "-e", "sh", "-c", script)
    await until(ready.exists, "xterm")
    # Without a window manager the window under the pointer has the keyboard.
    await desk.input(input.PointerMove(20_000, 20_000))
    return typed


async def next_ack(acks: zmq.asyncio.Socket) -> bus.InputAck:
    async with asyncio.timeout(TIMEOUT_S):
        topic, data = await acks.recv_multipart()
    ack = bus.decode_input_ack(data)
    assert topic == topics.ack("main", ack.viewer)
    return ack


async def subscribed(
    acks: zmq.asyncio.Socket, ask: Callable[[], Awaitable[int]]
) -> tuple[int, bus.InputAck]:
    """Ask until an answer comes, because the subscription takes some time to arrive."""

    async def answered() -> tuple[int, bus.InputAck] | None:
        sequence = await ask()
        return (sequence, await next_ack(acks)) if await acks.poll(200) else None

    async with asyncio.timeout(TIMEOUT_S):
        while (found := await answered()) is None:
            pass
    return found


async def quiet(feed: Frames) -> tuple[frames.Frame, bytes]:
    """Wait until nothing changes. Returns the newest frame and a digest of its pixels."""
    frame = await feed.next()
    while not await feed.none_within(0.5):
        frame = await feed.next()
    return frame, picture(feed, frame)


def picture(feed: Frames, frame: frames.Frame) -> bytes:
    return hashlib.blake2b(feed.pixels(frame)).digest()


async def test_an_acknowledged_input_has_been_taken_by_the_server(
    desk: Capture, xserver: XServer
) -> None:
    acks, others = desk.acks(), desk.acks("viewer-2")
    _, first = await subscribed(acks, lambda: desk.input(input.PointerMove(0, 0), wants_ack=True))
    assert first.viewer == "viewer-1"
    for x in (10_000, 30_000, 50_000):
        sequence = await desk.input(input.PointerMove(x, 9), wants_ack=True)
        ack = await next_ack(acks)
        assert ack.sequence == sequence
        assert ack.inputs == desk.service.input.injected
        where = xserver.run("xdotool", "getmouselocation", "--shell")
        assert f"X={x * xserver.size[0] >> 16}\n" in where
    # No other viewer is told, and an input that does not ask is not acknowledged.
    await desk.input(input.PointerMove(1, 1))
    await desk.input(input.PointerMove(2, 2), "viewer-2")
    assert not await others.poll(200)
    assert not await acks.poll(0)


async def test_the_frame_that_first_shows_a_character_includes_its_key(
    desk: Capture, xserver: XServer, typed: Path
) -> None:
    acks, feed = desk.acks(), desk.frames()
    await subscribed(acks, lambda: desk.input(input.PointerMove(20_000, 20_000), wants_ack=True))
    before, blank = await quiet(feed)
    for count in range(1, 4):
        sequence = await desk.input(input.Key(True, KEY_A), wants_ack=True)
        ack = await next_ack(acks)
        assert ack.sequence == sequence
        assert ack.inputs > before.inputs
        async with asyncio.timeout(TIMEOUT_S):
            while picture(feed, shown := await feed.next()) == blank:
                pass  # the same pixels again, known to be current a little later
        assert shown.inputs >= ack.inputs
        await until(lambda count=count: typed.read_text() == "a" * count)  # type: ignore[misc]  # bound
        await desk.input(input.Key(False, KEY_A))
        before, blank = await quiet(feed)


async def test_a_text_is_acknowledged_when_all_of_it_was_typed(desk: Capture, typed: Path) -> None:
    acks = desk.acks()
    await subscribed(acks, lambda: desk.input(input.PointerMove(20_000, 20_000), wants_ack=True))
    text = await desk.input(input.Text("hello" * 20), wants_ack=True)
    key = await desk.input(input.Key(True, KEY_A), wants_ack=True)
    one, two = await next_ack(acks), await next_ack(acks)
    assert (one.sequence, two.sequence) == (text, key)
    assert two.inputs == one.inputs + 1
    await until(lambda: typed.read_text() == "hello" * 20 + "a")
