"""The table of `lease_states` and the code agree: each event in each state, through `Leases`."""

from collections.abc import Callable
from enum import StrEnum

import pytest

from fanlight_common.protocol import bus
from fanlight_directory.core import lease_states
from fanlight_directory.core.effects import Effect, Publish, Reason
from fanlight_directory.core.lease_states import LeaseState
from fanlight_directory.core.leases import FORGET_ENDED_S, Leases
from fanlight_directory.core.placement import Rules
from tests.directory.bench import encoder
from tests.tables import table

STREAM = "main/high"
GRACE_S = 2.0
UNIX = 1_700_000_000


class LeaseEvent(StrEnum):
    """What happens to a stream's lease, as the table says it."""

    WANT = "want"
    UNWANT = "unwant"
    GRANT = "grant"
    MOVE = "move"
    CLAIM = "claim"
    HOLDER_LOST = "holder_lost"
    GRACE_OVER = "grace_over"
    FORGET = "forget"


TABLE = {
    (LeaseState(state), LeaseEvent(event)): (LeaseState(next_), effect)
    for state, event, next_, effect in table(lease_states.__doc__, 4)
}
LARGER = UNIX + 10_000


class Bench:
    """Leases that have settled, with a desk and up to one encoder before the event."""

    def __init__(self) -> None:
        self.now = 100.0
        self.leases = Leases(GRACE_S, 0.0, Rules())
        self.leases.desk_known("main", "h")
        self.leases.tick(self.now, UNIX)
        self.leases.reconcile(self.now, UNIX)

    @property
    def state(self) -> LeaseState:
        lease = self.leases._streams.get(STREAM)
        return lease.state if lease is not None else LeaseState.UNKNOWN

    def bring(self, state: LeaseState) -> None:
        """Bring the stream into this state, from nothing."""
        if state is LeaseState.UNKNOWN:
            return
        if state in (LeaseState.HELD, LeaseState.GRACE):
            self.up(1)
        self.want()
        if state in (LeaseState.ENDED, LeaseState.GRACE):
            self.leases.unwant(STREAM, self.now)
        assert self.state is state

    def up(self, number: int, epoch: int = 0) -> list[Effect]:
        """Take in an encoder's heartbeat, with a claim by `epoch`."""
        beat = encoder(number, held={STREAM: epoch} if epoch else None)
        effects = self.leases.encoder_up(beat, self.now)
        return effects + self.leases.reconcile(self.now, UNIX)

    def want(self) -> list[Effect]:
        self.leases.want(STREAM)
        return self.leases.reconcile(self.now, UNIX)

    def unwant(self) -> list[Effect]:
        self.leases.unwant(STREAM, self.now)
        return self.leases.reconcile(self.now, UNIX)

    def lose(self) -> list[Effect]:
        effects = self.leases.encoder_down("encoder-1", Reason.SILENCE, self.now)
        return effects + self.leases.reconcile(self.now, UNIX)

    def drain(self) -> list[Effect]:
        """Another encoder comes, and the holder reports that it has no room any more."""
        self.leases.encoder_up(encoder(2), self.now)
        self.leases.encoder_up(encoder(1, capacity=0), self.now)
        return self.leases.reconcile(self.now, UNIX)

    def wait(self, seconds: float) -> list[Effect]:
        self.now += seconds
        return self.leases.tick(self.now, LARGER + 1)


EVENTS: dict[LeaseEvent, Callable[[Bench], list[Effect]]] = {
    LeaseEvent.WANT: Bench.want,
    LeaseEvent.UNWANT: Bench.unwant,
    LeaseEvent.GRANT: lambda bench: bench.up(1),
    LeaseEvent.MOVE: Bench.drain,
    LeaseEvent.CLAIM: lambda bench: bench.up(3, LARGER),
    LeaseEvent.HOLDER_LOST: Bench.lose,
    LeaseEvent.GRACE_OVER: lambda bench: bench.wait(GRACE_S + 0.1),
    LeaseEvent.FORGET: lambda bench: bench.wait(FORGET_ENDED_S + 0.1),
}


def published(effects: list[Effect]) -> str:
    """Return what the last record of the stream says, as the table says it."""
    records = [effect.record for effect in effects if isinstance(effect, Publish)]
    if not records:
        return "-"
    assert isinstance(records[-1], bus.LeaseRecord)
    return "publish the holder" if records[-1].alive else "publish nobody"


def test_every_state_and_event_is_in_the_table() -> None:
    assert {state for state, _ in TABLE} == set(LeaseState)
    assert {state for state, _ in TABLE.values()} == set(LeaseState)
    assert {event for _, event in TABLE} == set(LeaseEvent)


@pytest.mark.parametrize(("state", "event"), TABLE, ids=lambda part: str(part))
def test_the_code_does_what_the_table_says(state: LeaseState, event: LeaseEvent) -> None:
    bench = Bench()
    bench.bring(state)
    effects = EVENTS[event](bench)
    assert (bench.state, published(effects)) == TABLE[state, event]


IMPOSSIBLE = {
    (LeaseState.UNKNOWN, LeaseEvent.FORGET),
    # Only a running stream moves; the same heartbeats grant a stream that waits.
    (LeaseState.WAITING, LeaseEvent.MOVE),
    # A grace is over long before an ended lease is forgotten.
    (LeaseState.GRACE, LeaseEvent.FORGET),
}


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (state, event)
        for state in LeaseState
        for event in LeaseEvent
        if (state, event) not in TABLE and (state, event) not in IMPOSSIBLE
    ],
    ids=lambda part: str(part),
)
def test_what_is_not_in_the_table_leaves_the_state(state: LeaseState, event: LeaseEvent) -> None:
    bench = Bench()
    bench.bring(state)
    EVENTS[event](bench)
    assert bench.state is state
