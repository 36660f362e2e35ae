"""Watches of the directory's records: one that raises ends what it is about, and nothing else."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from fanlight_common.bus.directory_client import DirectoryClient, failed_watches, refused
from fanlight_common.bus.frame_feed import FrameFeed
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, topics
from fanlight_common.service.worker import Worker
from tests.metrics import count
from tests.screenshot.fakes import FakeDirectory, until

DESK = topics.desk("main")


def record(width: int) -> bus.DeskRecord:
    return bus.DeskRecord("main", True, "c", "i", "h", "ipc://o", "ipc://n", width, 20)


class Watch:
    """Keeps what it gets, and raises about records of this width."""

    def __init__(self, broken_width: int = 0) -> None:
        self.widths: list[int] = []
        self.errors: list[Exception] = []
        self._broken_width = broken_width

    def on_record(self, record: bus.DirectoryOutlet) -> None:
        assert isinstance(record, bus.DeskRecord)
        if record.width == self._broken_width:
            raise RuntimeError(f"broken by {record.width}")
        self.widths.append(record.width)


@pytest.fixture
async def directory(bus_settings: BusSettings) -> AsyncIterator[FakeDirectory]:
    fake = FakeDirectory(bus_settings)
    yield fake
    await fake.close()


@pytest.fixture
async def worker(bus_settings: BusSettings, directory: FakeDirectory) -> AsyncIterator[Worker]:
    worker = Worker("test", bus_settings, None)
    reading = asyncio.create_task(worker.directory.run())
    yield worker
    assert not reading.done(), "the records go on"
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    worker.close()


@pytest.fixture
def client(worker: Worker) -> DirectoryClient:
    return worker.directory


async def test_a_watch_that_raises_is_failed_and_the_others_get_the_record(
    client: DirectoryClient, directory: FakeDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    before = count(failed_watches)
    first, broken, prefix, last = Watch(), Watch(2), Watch(), Watch()

    def failed(error: Exception) -> None:
        broken.errors.append(error)
        end()

    client.watch(DESK, first.on_record)
    end = client.watch(DESK, broken.on_record, failed)
    client.watch(topics.DESKS, prefix.on_record)
    client.watch(DESK, last.on_record)
    await until(lambda: {DESK, topics.DESKS} <= directory.subscribed)
    with caplog.at_level(logging.ERROR):
        for width in (1, 2, 3):
            directory.tell(DESK, record(width))
        await until(lambda: all(each.widths[-1:] == [3] for each in (first, prefix, last)))
    assert first.widths == last.widths == prefix.widths == [1, 2, 3]
    assert broken.widths == [1], "it is over"
    assert [str(error) for error in broken.errors] == ["broken by 2"]
    assert count(failed_watches) == before + 1
    assert not caplog.records, "to log it is up to whom it is about"


async def test_without_an_owner_it_is_logged_with_its_cause_and_goes_on(
    client: DirectoryClient, directory: FakeDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = Watch(2), Watch()
    client.watch(DESK, broken.on_record)
    client.watch(DESK, other.on_record)
    await until(lambda: DESK in directory.subscribed)
    with caplog.at_level(logging.ERROR):
        for width in (1, 2, 3):
            directory.tell(DESK, record(width))
        await until(lambda: other.widths[-1:] == [3])
    assert broken.widths == [1, 3]
    (told,) = caplog.records
    assert told.getMessage() == "event=watch_failed topic=desk/main/"
    assert told.exc_info is not None
    assert str(told.exc_info[1]) == "broken by 2"


async def test_an_owner_that_raises_too_harms_nobody_else(
    client: DirectoryClient, directory: FakeDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = Watch(2), Watch()

    def failed(error: Exception) -> None:
        raise ValueError("the end of it is broken, too")

    client.watch(DESK, broken.on_record, failed)
    client.watch(DESK, other.on_record)
    await until(lambda: DESK in directory.subscribed)
    with caplog.at_level(logging.ERROR):
        directory.tell(DESK, record(2))
        await until(lambda: other.widths[-1:] == [2])
    (told,) = caplog.records
    assert told.exc_info is not None
    assert isinstance(told.exc_info[1], ValueError)
    assert str(told.exc_info[1].__context__) == "broken by 2"


async def test_an_error_about_what_is_known_is_the_watchers_own_and_leaves_no_watch(
    client: DirectoryClient, directory: FakeDirectory
) -> None:
    first = Watch()
    end = client.watch(DESK, first.on_record)
    directory.tell(DESK, record(2))
    await until(lambda: first.widths)
    broken = Watch(2)
    with pytest.raises(RuntimeError, match="broken by 2"):
        client.watch(topics.DESKS, broken.on_record)
    directory.tell(DESK, record(3))
    await until(lambda: first.widths[-1] == 3)
    assert not broken.widths
    await until(lambda: topics.DESKS not in directory.subscribed)
    end()
    end()
    await until(lambda: DESK not in directory.subscribed)


async def test_a_watch_that_another_one_ends_gets_nothing_more(
    client: DirectoryClient, directory: FakeDirectory
) -> None:
    second = Watch()
    first = client.watch(DESK, lambda _: end())
    end = client.watch(DESK, second.on_record)
    directory.tell(DESK, record(1))
    third = Watch()
    client.watch(DESK, third.on_record)
    await until(lambda: third.widths)
    assert not second.widths
    first()


async def test_a_record_of_too_many_parts_is_counted(
    client: DirectoryClient, directory: FakeDirectory
) -> None:
    before = count(refused)
    watch = Watch()
    client.watch(DESK, watch.on_record)
    await until(lambda: DESK in directory.subscribed)
    directory.outlet.send_multipart([DESK, bus.encode(record(1)), b"more"])
    directory.tell(DESK, record(2))
    await until(lambda: watch.widths)
    assert watch.widths[0] == 2
    assert count(refused) == before + 1


async def test_a_frame_feed_that_cannot_follow_its_desk_raises_where_it_runs(
    worker: Worker, directory: FakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = Watch()
    feed = FrameFeed(worker, "main")
    worker.directory.watch(DESK, sound.on_record)
    running = asyncio.create_task(feed.run(lambda _: None))
    directory.tell(DESK, record(1))
    await until(lambda: sound.widths)

    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(feed, "_connect", broken)
    directory.tell(DESK, bus.DeskRecord("main", True, "c", "j", "h", "ipc://p", "ipc://n", 2, 20))
    with pytest.raises(RuntimeError, match="on purpose"):
        await running
    await until(lambda: sound.widths[-1] == 2)
    with pytest.raises(RuntimeError, match="on purpose"):
        await feed.next()
    feed.close()
