"""An error about one desk ends that desk, and nobody else's; it comes back by itself."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from fanlight_common.bus.frame_feed import FrameFeed
from fanlight_common.protocol.binary import PointerPosition, PointerShape
from fanlight_screenshot import metrics
from fanlight_screenshot.desks.desk import ScreenshotDesk
from fanlight_screenshot.desks.pointer import PointerFollower
from tests.metrics import count
from tests.screenshot.conftest import Start
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until
from tests.screenshot.images.test_images import png

URL, OTHER_URL = "/desks/main/screenshot", "/desks/other/screenshot"
CURSOR = {"cursor": "1"}


class Fault:
    """While it is armed, `method` raises on the one object that is about the desk main."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, of: type, method: str, desk_of: Callable[[Any], str]
    ) -> None:
        self.armed = False
        original = getattr(of, method)

        def broken(this: Any, *args: Any, **kwargs: Any) -> Any:
            if self.armed and desk_of(this) == "main":
                raise RuntimeError("broken on purpose")
            return original(this, *args, **kwargs)

        monkeypatch.setattr(of, method, broken)


def desk_of_record(desk: Any) -> str:
    return str(desk.record.desk)


@pytest.fixture
async def other(directory: FakeDirectory) -> AsyncIterator[FakeCapture]:
    fake = FakeCapture(directory, "other", "c2")
    yield fake
    await fake.close()


async def serving(start: Start, capture: FakeCapture, other: FakeCapture) -> httpx.AsyncClient:
    """A client of the service, which has answered for both desks, with their pointers."""
    for each in (capture, other):
        each.point(PointerShape(4, 4, 0, 0, png((4, 4), (0, 255, 0, 255))), PointerPosition(0, 0))
        each.announce()
    client = await start()
    for url in (URL, OTHER_URL):

        async def is_served(url: str = url) -> bool:
            return (await client.get(url, params=CURSOR)).status_code == 200

        await until(is_served)
    return client


def frame(capture: FakeCapture) -> None:
    capture.sequence += 1
    capture.publish()


def record(capture: FakeCapture) -> None:
    capture.announce(size=(80, 40))


def pointer(capture: FakeCapture) -> None:
    capture.point(None, PointerPosition(9, 9))


@pytest.mark.parametrize(
    ("of", "method", "desk_of", "provoke"),
    [
        (ScreenshotDesk, "_received", desk_of_record, frame),
        (ScreenshotDesk, "moved", desk_of_record, record),
        (FrameFeed, "_on_record", lambda feed: feed.desk, record),
        (PointerFollower, "_on_event", lambda follower: follower._desk, pointer),
    ],
)
async def test_an_error_about_a_desk_ends_that_desk_which_comes_back(
    start: Start,
    capture: FakeCapture,
    other: FakeCapture,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    of: type,
    method: str,
    desk_of: Callable[[Any], str],
    provoke: Callable[[FakeCapture], None],
) -> None:
    fault = Fault(monkeypatch, of, method, desk_of)
    client = await serving(start, capture, other)
    assert (await client.get(URL, params={"delta": "1"})).status_code == 200
    tag = (await client.get(URL)).headers["etag"]
    held = asyncio.create_task(
        client.get(URL, params={"wait": "20"}, headers={"If-None-Match": tag})
    )
    await until(lambda: capture.awaited)
    before = count(metrics.failed_desks)
    fault.armed = True
    with caplog.at_level(logging.ERROR):
        provoke(other)
        provoke(capture)
        await until(lambda: count(metrics.failed_desks) == before + 1)
    answer = await asyncio.wait_for(held, 5)
    assert (answer.status_code, answer.json()["error"]) == (503, "desk_failed")
    assert answer.headers["retry-after"] == "1"
    assert caplog.text.count("event=desk_failed desk=main") == 1, "logged once, with its cause"
    assert caplog.text.count("RuntimeError: broken on purpose") == 1
    await until(lambda: capture.subscribed == set())
    for params in ({}, CURSOR, {"delta": "1"}):
        assert (await client.get(OTHER_URL, params=params)).status_code == 200
    fault.armed = False
    for params in (CURSOR, {"delta": "1"}, {}):
        assert (await client.get(URL, params=params)).status_code == 200
    assert count(metrics.failed_desks) == before + 1


async def test_a_desk_that_cannot_be_opened_is_opened_by_its_next_record(
    start: Start,
    capture: FakeCapture,
    other: FakeCapture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault = Fault(monkeypatch, ScreenshotDesk, "moved", desk_of_record)
    fault.armed = True
    before = count(metrics.failed_desks)
    capture.announce()
    other.announce()
    client = await start()
    await until(lambda: count(metrics.failed_desks) == before + 1)
    refused = await client.get(URL)
    assert (refused.status_code, refused.json()["error"]) == (503, "desk_failed")
    await asyncio.sleep(0.1)  # time in which it could try again by itself
    assert count(metrics.failed_desks) == before + 2, "the request tried again, once"
    names = [desk["name"] for desk in (await client.get("/desks")).json()["desks"]]
    assert names == ["main", "other"]
    assert (await client.get(OTHER_URL)).status_code == 200
    assert capture.subscribed == set()
    fault.armed = False
    capture.announce(size=(80, 40))
    await until(lambda: capture.subscribed)
    assert (await client.get(URL)).status_code == 200
