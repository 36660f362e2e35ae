"""The table of `members` and the code agree: each event of one instance in each of its states."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import pytest

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import bus
from fanlight_directory.core import members as members_module
from fanlight_directory.core.effects import Contested
from fanlight_directory.core.members import Change, Members, MemberState
from tests.tables import table

TIMEOUT_S = 1.0
STEP_S = 0.1
ID = "encoder-1"


class MemberEvent(StrEnum):
    """What happens to one instance. `members` says what each of them is."""

    HEARTBEAT = "heartbeat"
    TAKEOVER = "takeover"
    CHANGE = "change"
    CONTRADICTION = "contradiction"
    SUSPECT = "suspect"
    FAREWELL = "farewell"
    SILENCE = "silence"
    SUCCESSOR = "successor"
    LATE = "late"
    BACK = "back"
    FORGET = "forget"


TABLE = {
    (MemberState(state), MemberEvent(event)): (MemberState(next_), effect)
    for state, event, next_, effect in table(members_module.__doc__, 4)
}
ME = bus.Heartbeat(
    kind="encoder",
    id=ID,
    instance="me",
    host="h",
    outlet="ipc:///outlet",
    inlet="ipc:///inlet",
    http="",
    desks=(),
    capacity=4,
    load=0.0,
    streams=(),
)
RIVAL = replace(ME, instance="rival")


class Bench:
    """Members with a clock that the test turns. A rival that has the id keeps beating."""

    def __init__(self) -> None:
        self.now = 100.0
        self.members = Members(TIMEOUT_S, self.now)

    @property
    def state(self) -> MemberState:
        return self.members.state(ID, ME.instance)

    def bring(self, state: MemberState) -> None:
        """Bring this instance into a state, from nothing."""
        if state is not MemberState.UNKNOWN:
            self.beat(ME)
        if state in (MemberState.REPLACED, MemberState.CONTESTED):
            self.beat(RIVAL)
        if state is MemberState.CONTESTED:
            self.late()
        assert self.state is state

    def beat(self, beat: bus.Heartbeat) -> list[Change | Contested]:
        return self.members.heartbeat(beat, self.now)

    def takeover(self) -> list[Change | Contested]:
        self.beat(RIVAL)
        return self.beat(ME)

    def suspect(self) -> list[Change | Contested]:
        self.members.suspect(ID, ME.instance, self.now, TIMEOUT_S / 2)
        return []

    def farewell(self, of: bus.Heartbeat = ME) -> list[Change | Contested]:
        return [*self.members.farewell(bus.Farewell(ID, of.instance))]

    def wait(self, seconds: float) -> list[Change | Contested]:
        """Let time pass, in steps, because a directory that is not called assumes that it slept."""
        changes: list[Change | Contested] = []
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            if self.members.state(ID, RIVAL.instance) is MemberState.ALIVE:
                changes += self.beat(RIVAL)
            changes += self.members.tick(self.now)
        return changes

    def late(self) -> list[Change | Contested]:
        return self.wait(TIMEOUT_S + 2 * STEP_S) + self.beat(ME)

    def back(self) -> list[Change | Contested]:
        self.farewell(RIVAL)
        return self.late()


EVENTS: dict[MemberEvent, Callable[[Bench], list[Change | Contested]]] = {
    MemberEvent.HEARTBEAT: lambda bench: bench.beat(ME),
    MemberEvent.TAKEOVER: Bench.takeover,
    MemberEvent.CHANGE: lambda bench: bench.beat(replace(ME, load=0.5)),
    MemberEvent.CONTRADICTION: lambda bench: bench.beat(replace(ME, host="another")),
    MemberEvent.SUSPECT: Bench.suspect,
    MemberEvent.FAREWELL: Bench.farewell,
    MemberEvent.SILENCE: lambda bench: bench.wait(TIMEOUT_S + 2 * STEP_S),
    MemberEvent.SUCCESSOR: lambda bench: bench.beat(RIVAL),
    MemberEvent.LATE: Bench.late,
    MemberEvent.BACK: Bench.back,
    MemberEvent.FORGET: lambda bench: bench.wait(2 * TIMEOUT_S + 2 * STEP_S),
}


def happens(bench: Bench, event: MemberEvent) -> str:
    """Return what is reported of this instance, as the table says it."""
    try:
        changes = EVENTS[event](bench)
    except ProtocolError:
        return "refused"
    return ", ".join(said for said in map(reported, changes) if said) or "-"


def reported(change: Change | Contested) -> str:
    """Return what a change says of this instance, "" if it is about the rival."""
    if isinstance(change, Contested):
        return "contested" if change.ignored == ME.instance else ""
    about = change.before or change.after
    assert about is not None
    if about.instance != ME.instance:
        return ""
    if change.after is None:
        return f"left {change.reason}"
    return "joined" if change.before is None else "changed"


def test_every_state_and_event_is_in_the_table() -> None:
    assert {state for state, _ in TABLE} == set(MemberState)
    assert {state for state, _ in TABLE.values()} == set(MemberState)
    assert {event for _, event in TABLE} == set(MemberEvent) - {MemberEvent.SUSPECT}


@pytest.mark.parametrize(("state", "event"), TABLE, ids=lambda part: str(part))
def test_the_code_does_what_the_table_says(state: MemberState, event: MemberEvent) -> None:
    bench = Bench()
    bench.bring(state)
    effect = happens(bench, event)
    assert (bench.state, effect) == TABLE[state, event]


IMPOSSIBLE = {
    # The first heartbeat is neither a change nor a contradiction, and nobody has replaced it.
    (MemberState.UNKNOWN, MemberEvent.CHANGE),
    (MemberState.UNKNOWN, MemberEvent.CONTRADICTION),
    (MemberState.UNKNOWN, MemberEvent.LATE),
    (MemberState.UNKNOWN, MemberEvent.BACK),
    (MemberState.ALIVE, MemberEvent.LATE),
    (MemberState.ALIVE, MemberEvent.BACK),
    # A takeover is the first heartbeat.
    *((state, MemberEvent.TAKEOVER) for state in MemberState if state is not MemberState.UNKNOWN),
    # After half of this time it has been silent for too long.
    (MemberState.ALIVE, MemberEvent.FORGET),
}


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (state, event)
        for state in MemberState
        for event in MemberEvent
        if (state, event) not in TABLE and (state, event) not in IMPOSSIBLE
    ],
    ids=lambda part: str(part),
)
def test_what_is_not_in_the_table_does_nothing(state: MemberState, event: MemberEvent) -> None:
    bench = Bench()
    bench.bring(state)
    effect = happens(bench, event)
    assert (bench.state, effect) == (state, "-")


def test_silence_counts_sooner_after_a_suspicion() -> None:
    bench = Bench()
    bench.bring(MemberState.ALIVE)
    bench.suspect()
    bench.wait(TIMEOUT_S / 2 + 2 * STEP_S)
    assert bench.state is MemberState.UNKNOWN
