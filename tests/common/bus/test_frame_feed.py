"""FrameFeed: the newest frame, by the right lane, wherever the desk's capture is now."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import zmq.asyncio

from fanlight_common.bus.frame_feed import FrameFeed, feeds
from fanlight_common.bus.network import BusNetwork
from fanlight_common.core.errors import FrameLostError
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import topics
from fanlight_common.protocol.topics import Lane
from fanlight_common.service.worker import Worker
from tests.common.fakes import FakeCapture, FakeDirectory
from tests.metrics import count


@pytest.fixture
async def directory(bus_settings: BusSettings) -> AsyncIterator[FakeDirectory]:
    fake = FakeDirectory(bus_settings)
    yield fake
    fake.close()


@pytest.fixture
async def worker(bus_settings: BusSettings, directory: FakeDirectory) -> AsyncIterator[Worker]:
    worker = Worker("encoder", bus_settings, None)
    records = asyncio.create_task(worker.directory.run())
    yield worker
    records.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await records
    worker.close()


async def subscribed(capture: FakeCapture, lane: Lane) -> None:
    """Wait until the capture sees the demand."""
    while await capture.outlet.recv() != b"\x01" + topics.frame("main", lane):
        pass


async def test_the_newest_frame_by_shared_memory(
    worker: Worker, directory: FakeDirectory, bus_settings: BusSettings
) -> None:
    capture = FakeCapture(directory, bus_settings, "c1")
    feed = FrameFeed(worker, "main")
    await directory.outlet.recv()
    await directory.publish(topics.desk("main"), capture.record())
    await subscribed(capture, Lane.SHM)
    await capture.publish(1, Lane.SHM)
    frame = await feed.next()
    assert bytes(feed.pixels(frame)[:4]) == b"\1\1\1\1"
    feed.check(frame)
    newest = frame
    for number in range(2, 7):
        await capture.publish(number, Lane.SHM)
        if number % 2 == 0:  # a newer frame replaces every other one unseen
            while newest.sequence < number:
                newest = await feed.next()
    assert feed.pixels(newest)[0] == 6
    with pytest.raises(FrameLostError):
        feed.check(frame)
    await capture.outlet.send(topics.frame("main", Lane.SHM) + b"rubbish")
    await asyncio.sleep(0)
    await capture.publish(7, Lane.SHM)
    assert (await feed.next()).sequence == 7
    feed.close()


async def test_another_host_gets_pixels(
    worker: Worker, directory: FakeDirectory, bus_settings: BusSettings
) -> None:
    capture = FakeCapture(directory, bus_settings, "c1")
    feed = FrameFeed(worker, "main")
    await directory.outlet.recv()
    await directory.publish(topics.desk("main"), capture.record(host="elsewhere"))
    await subscribed(capture, Lane.PIXELS)
    await capture.publish(3, Lane.PIXELS)
    frame = await feed.next()
    assert bytes(feed.pixels(frame)) == b"\3" * 128
    feed.check(frame)
    feed.close()


async def test_the_capture_moves_just_when_somebody_begins_to_wait(
    worker: Worker, directory: FakeDirectory, bus_settings: BusSettings
) -> None:
    capture = FakeCapture(directory, bus_settings, "c1")
    feed = FrameFeed(worker, "main")
    await directory.outlet.recv()
    await directory.publish(topics.desk("main"), capture.record())
    await subscribed(capture, Lane.SHM)
    waiting = asyncio.create_task(feed.next())
    await asyncio.sleep(0)  # `next` has begun, and has not begun to receive
    feed.fall_back_to_pixels()
    await subscribed(capture, Lane.PIXELS)
    await capture.publish(5, Lane.PIXELS)
    assert (await waiting).sequence == 5
    feed.close()


async def test_no_shared_memory_falls_back_to_pixels(
    worker: Worker, directory: FakeDirectory, bus_settings: BusSettings
) -> None:
    capture = FakeCapture(directory, bus_settings, "c1")
    feed = FrameFeed(worker, "main")
    feed.fall_back_to_pixels()  # without a record there is nothing to do
    await directory.outlet.recv()
    await directory.publish(topics.desk("main"), capture.record())
    await subscribed(capture, Lane.SHM)
    feed.fall_back_to_pixels()
    await subscribed(capture, Lane.PIXELS)
    await capture.publish(4, Lane.PIXELS)
    assert (await feed.next()).sequence == 4
    feed.close()


async def test_a_capture_that_comes_back_elsewhere_is_followed(
    worker: Worker, directory: FakeDirectory, bus_settings: BusSettings
) -> None:
    first, second = (FakeCapture(directory, bus_settings, id_) for id_ in ("c1", "c2"))
    feed = FrameFeed(worker, "main")
    waiting = asyncio.create_task(feed.next())
    await directory.outlet.recv()
    await directory.publish(topics.desk("main"), first.record())
    await subscribed(first, Lane.SHM)
    await directory.publish(topics.desk("main"), first.record(alive=False))
    await directory.publish(topics.desk("main"), second.record())
    await subscribed(second, Lane.SHM)
    await second.publish(9, Lane.SHM)
    assert (await waiting).sequence == 9
    assert feed.record == second.record()
    feed.close()


async def test_a_connection_that_fails_leaves_no_socket_open(
    worker: Worker,
    directory: FakeDirectory,
    bus_settings: BusSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sockets: list[zmq.asyncio.Socket] = []

    def connect(network: BusNetwork, socket: zmq.asyncio.Socket, endpoint: str) -> None:
        sockets.append(socket)
        raise ZeroDivisionError("about this endpoint")

    before = count(feeds, desk="main", lane=Lane.SHM)
    capture = FakeCapture(directory, bus_settings, "c1")
    feed = FrameFeed(worker, "main")
    await directory.outlet.recv()
    monkeypatch.setattr(BusNetwork, "connect", connect)
    await directory.publish(topics.desk("main"), capture.record())
    with pytest.raises(ZeroDivisionError, match="about this endpoint"):
        await feed.next()
    assert [socket.closed for socket in sockets] == [True]
    assert count(feeds, desk="main", lane=Lane.SHM) == before
    feed.close()
