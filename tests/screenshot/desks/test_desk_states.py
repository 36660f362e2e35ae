"""`desk_pool` and `pointer` do what the tables of `desk_life` and `pointer_life` say."""

from types import SimpleNamespace
from typing import Any

import pytest

from fanlight_common.protocol import bus
from fanlight_screenshot.core import desk_life, pointer_life
from fanlight_screenshot.core.pointer_times import PointerTimes
from fanlight_screenshot.core.tuning import Tuning
from fanlight_screenshot.desks import desk_pool, pointer
from fanlight_screenshot.desks.desk import DeskClosedError
from fanlight_screenshot.desks.desk_pool import DeskPool
from fanlight_screenshot.desks.pointer import PointerFollower
from fanlight_screenshot.settings import ScreenshotSettings
from tests.tables import table

POOL_ROWS, POINTER_ROWS = table(desk_life.__doc__, 4), table(pointer_life.__doc__, 4)
RECORD = bus.DeskRecord("main", True, "c1", "c1-1", "h", "ipc:///out", "ipc:///in", 64, 32)
NEW_RECORD = bus.DeskRecord("main", True, "c1", "c1-1", "h", "ipc:///out", "ipc:///in", 80, 40)


class PoolBench:
    """A pool whose desks only note what is done to them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.did: list[str] = []
        self.cannot_connect = False
        worker: Any = SimpleNamespace(network=None)
        monkeypatch.setattr(desk_pool, "ScreenshotDesk", self.connect)
        self.pool = DeskPool(worker, ScreenshotSettings(), Tuning())

    def connect(self, *arguments: Any) -> Any:
        """Return a desk that notes what is done to it. Takes the place of `ScreenshotDesk`."""
        *_, record, failed = arguments
        self.did.append("connect")
        if self.cannot_connect:
            raise OSError("no such endpoint")
        desk = SimpleNamespace(
            record=record,
            moved=lambda _: self.did.append("move"),
            close=lambda: self.did.append("close"),
            fail=lambda: failed(desk, ValueError("broken")),
        )
        return desk

    @property
    def state(self) -> str:
        if "main" in self.pool._desks:
            return "open"
        return "failed" if self.pool.records() else "unknown"

    def bring(self, state: str) -> None:
        if state != "unknown":
            self.pool._on_record(RECORD)
        if state == "failed":
            self.happens("error")
        assert self.state == state
        self.did.clear()

    def happens(self, event: str) -> None:
        match event:
            case "request":
                self.pool.get("main")
            case "record":
                self.pool._on_record(NEW_RECORD)
            case "same record":
                self.pool._on_record(RECORD)
            case "error":
                desk: Any = self.pool.get("main")
                desk.fail()
            case _:
                pytest.fail(f"unknown event {event}")


@pytest.mark.parametrize(("state", "event", "after", "effect"), POOL_ROWS)
def test_a_desk_does_what_the_table_says(
    state: str, event: str, after: str, effect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = PoolBench(monkeypatch)
    bench.bring(state)
    bench.happens(event)
    assert (bench.state, " and ".join(bench.did) or "-") == (after, effect)


def test_a_desk_that_cannot_be_connected_to_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = PoolBench(monkeypatch)
    bench.cannot_connect = True
    bench.happens("record")
    assert bench.state == "failed"
    with pytest.raises(DeskClosedError):
        bench.happens("request")
    assert bench.state == "failed"


def test_the_pools_table_is_complete() -> None:
    assert {(state, event) for state, event, *_ in POOL_ROWS} == {
        (state, event)
        for state in ("unknown", "open", "failed")
        for event in ("request", "record", "same record", "error")
        # Only an open desk raises an error, and the first record is not the same as one before.
        if (event != "error" or state == "open") and (state, event) != ("unknown", "same record")
    }
    assert len(POOL_ROWS) == 9, "a row is there twice"


KEEP_S = 30.0


class PointerBench:
    """A follower whose feed only notes that it was opened and closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.did: list[str] = []
        self.now = 100.0
        nothing: Any = None
        feed = SimpleNamespace(close=lambda: self.did.append("unsubscribe"))

        def subscribe(*_: object, **__: object) -> Any:
            self.did.append("subscribe")
            return feed

        monkeypatch.setattr(pointer, "EventFeed", subscribe)
        times = PointerTimes(keep_s=KEEP_S, wait_s=0.0)
        self.follower = PointerFollower(nothing, "main", times, nothing, nothing)

    @property
    def state(self) -> str:
        if self.follower._feed is not None:
            return "followed"
        return "idle" if self.follower._life.endpoint else "away"

    async def bring(self, state: str) -> None:
        if state != "away":
            self.follower.moved("ipc:///one")
        if state == "followed":
            await self.happens("request")
        assert self.state == state
        self.did.clear()

    async def happens(self, event: str) -> None:
        match event:
            case "request":
                assert await self.follower.current(self.now) is None
            case "moved":
                self.follower.moved("ipc:///another")
            case "expire":
                self.follower.expire(self.now + KEEP_S - 1)
                assert self.did == []
                self.follower.expire(self.now + KEEP_S)
            case "close":
                self.follower.close()
            case _:
                pytest.fail(f"unknown event {event}")


@pytest.mark.parametrize(("state", "event", "after", "effect"), POINTER_ROWS)
async def test_a_pointer_does_what_the_table_says(
    state: str, event: str, after: str, effect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = PointerBench(monkeypatch)
    await bench.bring(state)
    await bench.happens(event)
    assert (bench.state, " and ".join(bench.did) or "-") == (after, effect)
