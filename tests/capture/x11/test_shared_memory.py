"""Memory that capture shares with the X server, and a server with which it cannot be shared."""

import os
import subprocess
import sys

import pytest

from fanlight_capture.x11.connection import connect
from fanlight_capture.x11.grab import X11Grabber
from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import frames
from tests.capture.conftest import TIMEOUT_S, StartCapture, XServer, until
from tests.capture.x11.painting import BLUE, RED, Painter, frame_with, pixel

pytestmark = pytest.mark.x11


async def test_without_shared_memory_the_picture_is_the_same(
    xserver: XServer, painter: Painter, start_capture: StartCapture
) -> None:
    painter.fill(BLUE, Rect(0, 0, 800, 600))
    capture = await start_capture(display=xserver.display)
    await capture.live()
    capture.service._source._x.has_shm = False  # type: ignore[union-attr]  # an X11Source
    feed = capture.frames()
    await feed.next()
    painter.fill(RED, Rect(7, 8, 9, 10))
    frame, data = await frame_with(feed, RED, 15, 17)
    assert pixel(data, frame, 16, 17) == BLUE
    assert frames.damage_since(frame, frame.sequence - 1) == (Rect(7, 8, 9, 10),)


@pytest.mark.parametrize(
    "within",
    [
        pytest.param(
            ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
            marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else"),
            id="of another user",
        ),
        pytest.param(
            ("unshare", "--ipc") if os.geteuid() == 0 else ("unshare", "--map-user=1", "--ipc"),
            id="in another namespace",
        ),
    ],
)
async def test_a_server_that_cannot_attach_sends_its_pictures(
    within: tuple[str, ...], start_capture: StartCapture, caplog: pytest.LogCaptureFixture
) -> None:
    """Capture may be a sidecar that does not share the uid, or the memory, of the X server."""
    xserver = XServer(within=within)
    painter = Painter(xserver)
    try:
        painter.fill(BLUE, Rect(0, 0, 800, 600))
        capture = await start_capture(display=xserver.display)
        feed = capture.frames()
        frame, data = await frame_with(feed, BLUE, 15, 17)
        assert pixel(data, frame, 799, 599) == BLUE
        assert "event=no_shm" in caplog.text
        painter.fill(RED, Rect(7, 8, 9, 10))
        await frame_with(feed, RED, 15, 17)
    finally:
        painter.close()
        xserver.close()


@pytest.mark.parametrize("colour", [0, 0xFFFFFF, BLUE])
async def test_another_segment_of_the_same_number_is_noticed(
    colour: int, xserver: XServer, painter: Painter
) -> None:
    """An X server in another IPC namespace may attach another segment, here another ring's."""
    painter.fill(colour, Rect(0, 0, 800, 600))
    connection = await connect(xserver.display)
    connection.start(lambda _: None, TIMEOUT_S)
    try:
        grabber = X11Grabber(connection, lambda: None)
        ring, others = FrameRing(800 * 600 * 4), FrameRing(800 * 600 * 4)
        assert await grabber.use_ring(ring, 800, 600)
        ring.segment = others.segment
        assert not await grabber.use_ring(ring, 800, 600)
        slot = ring.begin()
        await grabber.grab(slot)
        assert bytes(ring.pixels(slot)[:3]) == colour.to_bytes(3, "little")
    finally:
        connection.close()


_KILLED_CAPTURE = """
import asyncio, sys
from fanlight_capture.x11.connection import connect
from fanlight_capture.x11.grab import X11Grabber
from fanlight_common.bus.ring import FrameRing

async def main():
    connection = await connect(sys.argv[1])
    connection.start(lambda _: None, 10)
    grabber = X11Grabber(connection, lambda: None)
    ring = FrameRing(800 * 601 * 4)
    assert await grabber.use_ring(ring, 800, 600)
    print(ring.segment, flush=True)
    while True:
        await grabber.grab(ring.begin())

asyncio.run(main())
"""


def _attached(segment: int) -> int | None:
    """Return how many have a segment attached; None if there is no such segment."""
    with open("/proc/sysvipc/shm") as file:
        for line in file:
            row = line.split()
            if row[1] == str(segment):
                return int(row[6])
    return None


@pytest.mark.parametrize("first", ["capture", "server"])
async def test_capture_and_x_server_killed_leave_no_segment_behind(
    first: str, xserver: XServer
) -> None:
    capture = xserver.spawn(
        sys.executable, "-c", _KILLED_CAPTURE, xserver.display, stdout=subprocess.PIPE
    )
    assert capture.stdout is not None
    segment = int(capture.stdout.readline())
    assert _attached(segment) == 2
    if first == "capture":
        capture.kill()
        capture.wait()
        # The server notices that its client has gone, and lets go of the client's segment.
        await until(lambda: _attached(segment) is None, "segment gone")
        assert xserver.run("xdpyinfo")
    else:
        xserver.kill()
        await until(lambda: _attached(segment) in (1, None), "the server's attachment gone")
        capture.kill()
        capture.wait()
        await until(lambda: _attached(segment) is None, "segment gone")
