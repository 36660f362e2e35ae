"""The table of `process_life` and the supervisor agree. The processes are not real."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from enum import StrEnum

import pytest

from fanlight_common.core.errors import MISCONFIGURED
from fanlight_launcher.core import process_life
from fanlight_launcher.core.process_spec import Phase, ProcessSpec
from fanlight_launcher.processes import supervisor
from fanlight_launcher.processes.supervisor import GaveUpError
from tests.launcher.conftest import Watched
from tests.tables import table

UNKNOWN = "-"


class ProcessEvent(StrEnum):
    """What happens to a process. `process_life` says what each of them is."""

    ADDED = "added"
    ADDED_EARLY = "added_early"
    NEEDED_UP = "needed_up"
    READY = "ready"
    DIED = "died"
    DIED_AGAIN = "died_again"
    MISCONFIGURED = "misconfigured"
    NEEDED_DIED = "needed_died"
    COMPLETED = "completed"
    PAUSE_OVER = "pause_over"
    STOP = "stop"


TABLE = {
    (state, ProcessEvent(event)): (Phase(after), effect)
    for state, event, after, effect in table(process_life.__doc__, 4)
}
PAUSE_S = 0.3
SAME_CAUSE_S = 0.1
FAULT = 3


class FakeProcess:
    """A process that announces itself and ends when the test says so."""

    def __init__(self, number: int, announce_on: int) -> None:
        self.id = number
        self.was_stopped = False
        self._announce_on = os.dup(announce_on)
        self._status: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def ready(self) -> None:
        os.write(self._announce_on, b"ready\n")

    def end(self, status: int) -> None:
        os.close(self._announce_on)
        self._status.set_result(status)

    async def wait(self) -> int:
        return await asyncio.shield(self._status)

    async def stop(self) -> None:
        if not self._status.done():
            self.was_stopped = True
            self.end(0)


class Bench:
    """A supervisor with two processes: the one that the table is about needs the other."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.started: dict[str, list[FakeProcess]] = {"one": [], "needed": []}
        self.once = False
        self.is_given_up = self.is_stopped = False

    @property
    def one(self) -> FakeProcess:
        return self.started["one"][-1]

    @property
    def needed(self) -> FakeProcess:
        return self.started["needed"][-1]

    async def start(self, command: list[str], _: object, __: object, fds: list[int]) -> FakeProcess:
        """Start a fake process. Takes the place of `Process.start`."""
        processes = self.started[command[0]]
        processes.append(FakeProcess(len(processes) + 1, fds[0]))
        return processes[-1]

    def add(self, name: str, needs: str = "", once: bool = False) -> None:
        spec = ProcessSpec(
            name, lambda _: [name], {}, announced=lambda _: None, needs=needs, once=once
        )
        self.watched.supervisor.add([spec])

    async def needed_up(self) -> None:
        self.needed.ready()
        await self.watched.supervisor.running("needed")

    async def bring(self, state: str, once: bool) -> None:
        """Bring the process into a state, from nothing."""
        self.once = once or state == Phase.DONE
        self.add("needed")
        await self.watched.until(lambda: bool(self.started["needed"]))
        if state == UNKNOWN:
            return
        if state != Phase.WAITING:
            await self.needed_up()
        await self.added()
        await self.reaches(Phase.WAITING if state == Phase.WAITING else Phase.STARTING)
        if state in (Phase.RUNNING, Phase.RESTARTING, Phase.DONE, Phase.FAILED):
            self.one.ready()
            await self.reaches(Phase.RUNNING)
        ends = {Phase.RESTARTING: FAULT, Phase.DONE: 0, Phase.FAILED: MISCONFIGURED}
        if state in ends:
            self.one.end(ends[Phase(state)])
            await self.reaches(Phase(state))

    async def reaches(self, phase: Phase) -> None:
        await self.watched.until(lambda: self.watched.phases("one")[-1:] == [phase])

    async def added(self) -> None:
        self.add("one", needs="needed", once=self.once)

    async def added_after_needed(self) -> None:
        await self.needed_up()
        await self.added()

    async def ready(self) -> None:
        self.one.ready()

    async def ends(self, status: int) -> None:
        self.one.end(status)

    async def needed_died(self) -> None:
        if Phase.DONE not in self.watched.phases("one"):
            self.one.end(FAULT)
        self.needed.end(FAULT)

    async def pause_over(self) -> None:
        await asyncio.sleep(PAUSE_S)

    async def stop(self) -> None:
        self.is_stopped = True
        await self.watched.supervisor.stop()

    async def effect(self, starts_before: int) -> str:
        """Return what was done beside the change of the phase, as the table says it."""
        if len(self.started["one"]) > starts_before:
            return "start"
        if self.started["one"] and self.one.was_stopped:
            return "end"
        if self.is_given_up or self.is_stopped:
            return "-"
        try:
            await asyncio.wait_for(self.watched.supervisor.failure(), 0.01)
        except GaveUpError:
            return "give up"
        except TimeoutError:
            return "-"


EVENTS: dict[ProcessEvent, Callable[[Bench], Awaitable[None]]] = {
    ProcessEvent.ADDED: Bench.added_after_needed,
    ProcessEvent.ADDED_EARLY: Bench.added,
    ProcessEvent.NEEDED_UP: Bench.needed_up,
    ProcessEvent.READY: Bench.ready,
    ProcessEvent.DIED: lambda bench: bench.ends(FAULT),
    ProcessEvent.DIED_AGAIN: lambda bench: bench.ends(FAULT),
    ProcessEvent.MISCONFIGURED: lambda bench: bench.ends(MISCONFIGURED),
    ProcessEvent.NEEDED_DIED: Bench.needed_died,
    ProcessEvent.COMPLETED: lambda bench: bench.ends(0),
    ProcessEvent.PAUSE_OVER: Bench.pause_over,
    ProcessEvent.STOP: Bench.stop,
}


def test_every_phase_and_event_is_in_the_table() -> None:
    assert {after for after, _ in TABLE.values()} == set(Phase)
    assert {state for state, _ in TABLE} == {UNKNOWN, *Phase} - {Phase.STOPPED}
    assert {event for _, event in TABLE} == set(ProcessEvent)
    kept = {state for state, event in TABLE if event is ProcessEvent.STOP}
    assert kept == {*Phase} - {Phase.STOPPED}, "a stop comes at any time"


@pytest.mark.parametrize(("state", "event"), TABLE, ids=lambda part: str(part))
async def test_the_supervisor_does_what_the_table_says(
    state: str, event: ProcessEvent, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(watched)
    monkeypatch.setattr(supervisor.Process, "start", bench.start)
    monkeypatch.setattr(supervisor, "_SAME_CAUSE_S", SAME_CAUSE_S)
    monkeypatch.setattr("fanlight_launcher.core.restarts._DELAYS_S", (PAUSE_S,) * 4)
    if event is ProcessEvent.DIED_AGAIN:
        monkeypatch.setattr("fanlight_launcher.core.restarts.LIMIT", 1)
    await bench.bring(state, once=event is ProcessEvent.COMPLETED)
    bench.is_given_up = state == Phase.FAILED
    starts, shown = len(bench.started["one"]), len(watched.phases("one"))
    await EVENTS[event](bench)
    after, effect = TABLE[state, event]
    if after != state:
        await watched.until(lambda: len(watched.phases("one")) > shown)
        assert watched.phases("one")[shown] is after
        if effect == "start":
            await watched.until(lambda: len(bench.started["one"]) > starts)
    else:
        assert len(watched.phases("one")) == shown
    assert await bench.effect(starts) == effect
