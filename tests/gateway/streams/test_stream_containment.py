"""An error about one stream or one desk ends the viewers of it, and no others."""

import logging
from typing import Any

import pytest

from fanlight_common.bus.encoder_connection import EncoderConnection
from fanlight_common.bus.unit_feed import UnitFeed
from fanlight_common.protocol import binary, bus, control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway.streams.desk_book import DeskBook
from fanlight_gateway.streams.desk_channel import DeskChannel
from fanlight_gateway.streams.fan_out import StreamFanOut
from tests.gateway.clients import Site, TestViewer
from tests.gateway.fakes import FakeEncoder
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until


class Fault:
    """Makes `method` raise, once armed, on objects whose `attribute` is `value`."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, of: type, method: str, attribute: str, value: str
    ) -> None:
        self.armed = False
        original = getattr(of, method)

        def broken(this: Any, *args: Any, **kwargs: Any) -> Any:
            found = getattr(this, attribute)
            if self.armed and getattr(found, "desk", found) == value:
                raise RuntimeError("broken on purpose")
            return original(this, *args, **kwargs)

        monkeypatch.setattr(of, method, broken)


def causes(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the events that were logged with a traceback."""
    told = [record for record in caplog.records if record.exc_info and record.exc_info[2]]
    return [record.getMessage().split()[0].removeprefix("event=") for record in told]


async def _streams(encoder: FakeEncoder, viewer: TestViewer, stream: str) -> None:
    seen = len(viewer.units)
    encoder.send(idr=True, stream=stream)
    await until(lambda: len(viewer.units) > seen)


@pytest.mark.parametrize(
    ("of", "method", "attribute"),
    [
        (UnitFeed, "_on_lease", "_stream"),
        (UnitFeed, "_on_unit", "_stream"),
        (EncoderConnection, "tell_demand", "_stream"),
        (StreamFanOut, "take", "_name"),
        (StreamFanOut, "demand", "_name"),
        (StreamFanOut, "interrupted", "_name"),
    ],
)
async def test_an_error_about_a_stream_ends_its_viewers_who_come_back_to_a_fresh_one(
    site: Site,
    capture: FakeCapture,
    encoder: FakeEncoder,
    directory: FakeDirectory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    of: type,
    method: str,
    attribute: str,
) -> None:
    fault = Fault(monkeypatch, of, method, attribute, "main/high")
    second = FakeEncoder(directory, "e2")
    second.lease("main/keyframes", 1)
    async with (
        site.viewer() as one,
        site.viewer(name="viewer-1") as two,
        site.viewer(name="viewer-2", keyframes=True) as other,
    ):
        await until(lambda: one.units and two.units and other.units)
        fault.armed = True
        with caplog.at_level(logging.ERROR):
            encoder.lease("main/high", encoder.epoch + 1)
            encoder.send(idr=True)
            assert await one.closed() == CloseCode.FAILED
            assert await two.closed() == CloseCode.FAILED
        assert causes(caplog) == ["feed_failed"], "logged once, with its cause"
        await _streams(second, other, "main/keyframes")
        await until(lambda: b"unit/main/high/" not in encoder.subscribed)
        fault.armed = False
        async with site.viewer(name="viewer-3") as back:
            await until(lambda: b"unit/main/high/" in encoder.subscribed)
            await _streams(encoder, back, "main/high")
        assert other.close_code is None
    await second.close()


@pytest.mark.parametrize("method", ["_on_record", "_on_event"])
async def test_an_error_about_a_desk_ends_its_viewers_who_come_back_to_a_fresh_channel(
    site: Site,
    capture: FakeCapture,
    directory: FakeDirectory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
) -> None:
    fault = Fault(monkeypatch, DeskChannel, method, "record", "main")
    elsewhere = FakeCapture(directory, "other", "c2")
    elsewhere.announce()
    await site.ready("other")
    async with (
        site.viewer(video=False) as one,
        site.viewer(video=False, name="viewer-1") as two,
        site.socket("other") as socket,
    ):
        other = TestViewer(socket)
        await other.get(control.Welcome)
        await other.send(control.Hello("viewer-2", False, False))
        await other.get(control.DeskState)
        await until(lambda: b"events/main/" in capture.subscribed)
        fault.armed = True
        with caplog.at_level(logging.ERROR):
            capture.announce(size=(80, 40))
            capture.event(binary=binary.PointerPosition(1, 2).encode())
            assert await one.closed() == CloseCode.FAILED
            assert await two.closed() == CloseCode.FAILED
        assert causes(caplog) == ["desk_failed"], "logged once, with its cause"
        fault.armed = False
        await until(lambda: b"events/main/" not in capture.subscribed)
        elsewhere.announce(size=(80, 40))
        await until(lambda: other.all(control.DeskState)[-1].width == 80)
        async with site.viewer(video=False, name="viewer-3") as back:
            await until(lambda: b"events/main/" in capture.subscribed)
            capture.event(binary=binary.PointerPosition(3, 4).encode())
            await until(lambda: binary.PointerPosition(3, 4) in back.messages)
        assert other.close_code is None
        await other.stop()
    await elsewhere.close()


async def test_a_record_that_the_book_of_desks_cannot_take_is_passed_over(
    site: Site,
    capture: FakeCapture,
    directory: FakeDirectory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    original = DeskBook._on_record

    def broken(self: DeskBook, record: bus.DirectoryOutlet) -> None:
        if isinstance(record, bus.DeskRecord) and record.desk == "cursed":
            raise RuntimeError("broken on purpose")
        original(self, record)

    book = next(iter(site.worker.directory._watches[b"desk/"])).on_record.__self__  # type: ignore[attr-defined]  # a bound method
    for watch in site.worker.directory._watches[b"desk/"]:
        monkeypatch.setattr(watch, "on_record", lambda record: broken(book, record))
    with caplog.at_level(logging.ERROR):
        FakeCapture(directory, "cursed", "c3").announce()
        FakeCapture(directory, "blessed", "c4").announce()
        await site.ready("blessed")
    assert causes(caplog) == ["watch_failed"]
    async with site.viewer(video=False) as viewer:
        await viewer.ping()
