"""A display that dies, hangs, or is not there yet."""

import os
import signal
from typing import Any

import pytest
import xcffib

from fanlight_capture import metrics
from fanlight_capture.x11 import open_display
from fanlight_capture.x11.open_display import OpenDisplay
from fanlight_capture.x11.source import open_x11
from fanlight_common.protocol import bus
from tests.capture.conftest import StartCapture, XServer, until
from tests.metrics import count

pytestmark = pytest.mark.x11


async def test_a_display_that_dies_comes_back(
    xserver: XServer, start_capture: StartCapture
) -> None:
    capture = await start_capture(display=xserver.display)
    feed, events = capture.frames(), capture.events()
    first = await feed.next()
    await until(lambda: events.positions)
    assert capture.worker.healthy()[1]["display"] == "live"
    losses = count(metrics.display_losses)
    xserver.kill()
    await until(lambda: capture.offer == bus.DeskOffer("main", 0, 0))
    healthy, details = capture.worker.healthy()
    assert healthy
    assert details["display"] == "away"
    assert count(metrics.display_losses) == losses + 1
    told = len(events.shapes)
    xserver.start()
    # The subscriptions are still there, so pictures and events come by themselves.
    while (frame := await feed.next()).instance == first.instance:
        pass
    assert feed.pixels(frame)
    assert capture.offer.width == 800
    await until(lambda: len(events.shapes) > told)


async def test_a_display_that_hangs_counts_as_gone(
    xserver: XServer, start_capture: StartCapture
) -> None:
    capture = await start_capture(
        display=xserver.display,
        opener=lambda listener, settings: open_x11(listener, settings.display, 0.5),
    )
    events = capture.events()
    await until(lambda: events.positions)
    assert xserver.process is not None
    os.kill(xserver.process.pid, signal.SIGSTOP)
    try:
        await until(lambda: capture.offer.width == 0)
    finally:
        os.kill(xserver.process.pid, signal.SIGCONT)
    await capture.live()


async def test_no_display_at_start(xserver: XServer, start_capture: StartCapture) -> None:
    xserver.kill()
    capture = await start_capture(display=xserver.display)
    feed = capture.frames()
    await until(lambda: capture.worker.healthy()[1]["display"] == "away")
    assert capture.offer == bus.DeskOffer("main", 0, 0)
    xserver.start()
    assert (await feed.next()).width == 800


async def test_an_error_that_nobody_named_is_raised_and_closes_the_connection(
    xserver: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []

    def fail(name: str, raw: Any) -> OpenDisplay:
        opened.append(raw)
        raise ZeroDivisionError("in the set-up")

    monkeypatch.setattr(open_display, "_set_up", fail)
    with pytest.raises(ZeroDivisionError):
        await open_display.open_display(xserver.display)
    with pytest.raises(xcffib.XcffibException, match="Invalid"):
        opened[0].invalid()
