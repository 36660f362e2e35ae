"""EventFeed: events in order, the present state again after a gap, and errors that end one feed."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import zmq.asyncio

from fanlight_common.bus.event_feed import EventFeed
from fanlight_common.bus.network import BusNetwork
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import PointerPosition
from fanlight_common.service.worker import Worker
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until

EVENTS = topics.events("main")


@pytest.fixture
async def directory(bus_settings: BusSettings) -> AsyncIterator[FakeDirectory]:
    fake = FakeDirectory(bus_settings)
    yield fake
    await fake.close()


@pytest.fixture
async def capture(directory: FakeDirectory) -> AsyncIterator[FakeCapture]:
    fake = FakeCapture(directory)
    yield fake
    await fake.close()


class Consumer:
    """Opens feeds, and keeps what they tell."""

    def __init__(self, network: BusNetwork, group: asyncio.TaskGroup) -> None:
        self._network = network
        self._group = group
        self.feeds: list[EventFeed] = []
        self.events: list[bus.Event] = []
        self.errors: list[Exception] = []
        self.refused = 0
        self.gaps = 0
        self.on_event: Callable[[bus.Event], None] = lambda _: None

    def open(self, outlet: str) -> EventFeed:
        feed = EventFeed(
            self._network,
            self._group,
            "main",
            outlet,
            take=self._take,
            failed=self.errors.append,
            on_refused=self._refuse,
            on_gap=self._gap,
        )
        self.feeds.append(feed)
        return feed

    def _take(self, event: bus.Event) -> None:
        self.on_event(event)
        self.events.append(event)

    def _refuse(self) -> None:
        self.refused += 1

    def _gap(self) -> None:
        self.gaps += 1


@pytest.fixture
async def consumer(bus_settings: BusSettings, directory: FakeDirectory) -> AsyncIterator[Consumer]:
    worker = Worker("gateway", bus_settings, None)
    async with asyncio.TaskGroup() as group:
        consumer = Consumer(worker.network, group)
        yield consumer
        for feed in consumer.feeds:
            feed.close()
    worker.close()


def texts(consumer: Consumer) -> list[str]:
    return [event.text for event in consumer.events]


async def opened(consumer: Consumer, capture: FakeCapture) -> EventFeed:
    feed = consumer.open(capture.outlet_endpoint)
    await until(lambda: EVENTS in capture.subscribed)
    return feed


async def test_events_in_order_until_the_feed_is_closed(
    consumer: Consumer, capture: FakeCapture
) -> None:
    feed = await opened(consumer, capture)
    for text in "abc":
        capture.event(text=text)
    await until(lambda: texts(consumer) == ["a", "b", "c"])
    assert consumer.gaps == 0
    feed.close()
    feed.close()
    await until(lambda: EVENTS not in capture.subscribed)
    capture.event(text="d")
    await opened(consumer, capture)
    capture.event(text="e")
    await until(lambda: "e" in texts(consumer))
    assert texts(consumer) == ["a", "b", "c", "e"]
    assert (consumer.gaps, consumer.errors) == (0, []), "a feed begins with any number"


async def test_a_gap_brings_the_present_state_once_more(
    consumer: Consumer, capture: FakeCapture
) -> None:
    await opened(consumer, capture)
    capture.event(text="a")
    await until(lambda: texts(consumer) == ["a"])
    capture.position = PointerPosition(1, 2).encode()  # the event about this was lost
    capture.event(text="b", skip=1)
    await until(lambda: [event.binary for event in consumer.events][-1] == capture.position)
    assert texts(consumer) == ["a", "b", ""]
    assert consumer.gaps == 1


async def test_what_is_no_event_is_refused(consumer: Consumer, capture: FakeCapture) -> None:
    def refuse(event: bus.Event) -> None:
        if event.text == "unknown":
            raise ProtocolError("not known here")

    consumer.on_event = refuse
    await opened(consumer, capture)
    capture.outlet.send_multipart([EVENTS, b"rubbish"])
    capture.outlet.send_multipart([EVENTS, b"x", b"y"])
    capture.event(text="unknown")
    capture.event(text="a")
    await until(lambda: texts(consumer) == ["a"])
    assert (consumer.refused, consumer.errors) == (3, [])


async def test_an_error_is_told_once_and_nothing_more_is_received(
    consumer: Consumer, capture: FakeCapture
) -> None:
    def fail(event: bus.Event) -> None:
        raise ZeroDivisionError("about this event")

    consumer.on_event = fail
    feed = await opened(consumer, capture)
    capture.event(text="a")
    capture.event(text="b")
    await until(feed._task.done)
    assert [type(error) for error in consumer.errors] == [ZeroDivisionError]


async def test_an_event_may_close_the_feed(consumer: Consumer, capture: FakeCapture) -> None:
    feed = await opened(consumer, capture)
    consumer.on_event = lambda _: feed.close()
    capture.event(text="a")
    capture.event(text="b")
    await until(lambda: EVENTS not in capture.subscribed)
    assert (texts(consumer), consumer.errors) == (["a"], [])


async def test_a_connection_that_fails_leaves_nothing_behind(
    consumer: Consumer, capture: FakeCapture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets: list[zmq.asyncio.Socket] = []

    def connect(network: BusNetwork, socket: zmq.asyncio.Socket, endpoint: str) -> None:
        sockets.append(socket)
        raise ZeroDivisionError("about this endpoint")

    monkeypatch.setattr(BusNetwork, "connect", connect)
    with pytest.raises(ZeroDivisionError):
        consumer.open(capture.outlet_endpoint)
    assert [socket.closed for socket in sockets] == [True]
    assert consumer.errors == []
