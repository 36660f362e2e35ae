"""The grabber alone, with a ring: which rows it takes, and in how many round trips."""

import pytest

from fanlight_capture import metrics
from fanlight_capture.x11.connection import X11Connection, XRequestError, connect
from fanlight_capture.x11.grab import X11Grabber
from fanlight_common.bus.ring import FrameRing
from fanlight_common.core.errors import SourceLostError
from fanlight_common.core.geometry import Rect
from tests.capture.conftest import TIMEOUT_S, XServer
from tests.capture.x11.painting import BLUE, RED, Painter
from tests.metrics import count

pytestmark = pytest.mark.x11


async def test_what_a_look_found_is_in_the_next_grab(xserver: XServer, painter: Painter) -> None:
    connection = await connect(xserver.display)
    connection.start(lambda _: None, TIMEOUT_S)
    try:
        grabber = X11Grabber(connection, lambda: None)
        ring = FrameRing(800 * 600 * 4, slots=2)
        assert await grabber.use_ring(ring, 800, 600)
        for _ in range(ring.slots):
            await grabber.grab(ring.begin())
        painter.fill(RED, Rect(10, 20, 30, 40))
        assert await grabber.look()
        painter.fill(BLUE, Rect(50, 500, 5, 5))
        rows = count(metrics.grabbed_rows)
        slot = ring.begin()
        assert await grabber.grab(slot) == (Rect(10, 20, 30, 40), Rect(50, 500, 5, 5))
        assert count(metrics.grabbed_rows) == rows + 45
        for x, y, colour in ((39, 59, RED), (54, 504, BLUE)):
            at = 4 * (800 * y + x)
            assert bytes(ring.pixels(slot)[at : at + 3]) == colour.to_bytes(3, "little")
        assert not await grabber.look()
    finally:
        connection.close()


async def test_a_grab_that_failed_leaves_nothing_half_known(
    xserver: XServer, painter: Painter
) -> None:
    connection = await connect(xserver.display)
    connection.start(lambda _: None, TIMEOUT_S)
    try:
        grabber = X11Grabber(connection, lambda: None)
        ring = FrameRing(800 * 600 * 4, slots=2)
        assert await grabber.use_ring(ring, 800, 600)
        for _ in range(ring.slots):
            await grabber.grab(ring.begin())
        painter.resize(400, 300)
        with pytest.raises(XRequestError):
            await grabber.grab(ring.begin())
        painter.resize(800, 600)
        painter.fill(BLUE, Rect(0, 100, 800, 10))
        slot = ring.begin()
        rows = count(metrics.grabbed_rows)
        await grabber.grab(slot)
        assert count(metrics.grabbed_rows) == rows + 600
        at = 4 * 800 * 109
        assert bytes(ring.pixels(slot)[at : at + 3]) == BLUE.to_bytes(3, "little")
    finally:
        connection.close()


async def test_rows_that_change_again_and_again_take_one_round_trip(
    xserver: XServer, painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = 0
    end_batch = X11Connection.end_batch

    def count(connection: X11Connection, error: BaseException | None) -> bool:
        nonlocal trips
        trips += 1
        return end_batch(connection, error)

    def lost(error: SourceLostError) -> None:
        raise error

    painter.fill(BLUE, Rect(0, 0, 800, 600))
    connection = await connect(xserver.display)
    connection.start(lost, TIMEOUT_S)
    grabber = X11Grabber(connection, lambda: None)
    ring = FrameRing(4 * 800 * 601)
    assert await grabber.use_ring(ring, 800, 600)
    monkeypatch.setattr(X11Connection, "end_batch", count)
    took = []
    line = [*((x, 100) for x in range(0, 200, 10)), (0, 400), *((x, 100) for x in (200, 210, 220))]
    for number, (x, y) in enumerate(line):
        painter.fill(RED, Rect(x, y, 8, 12))
        slot = ring.begin()
        before = trips
        rects = await grabber.grab(slot)
        took.append(trips - before)
        ring.publish(slot)
        if number:
            assert rects == (Rect(x, y, 8, 12),)
        at = 4 * (800 * (y + 11) + x + 7)
        assert bytes(ring.pixels(slot)[at : at + 3]) == RED.to_bytes(3, "little")
        assert bytes(ring.pixels(slot)[at + 4 : at + 7]) == BLUE.to_bytes(3, "little")
    # The first grab takes all of the desk. Damage in another line needs a second round trip, until
    # it has come there twice in a row.
    assert took == [2, 2, *[1] * 18, 2, 2, 2, 1]
    connection.close()
