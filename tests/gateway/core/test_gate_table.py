"""The table of the gate and the code agree: each event in each state."""

from collections import Counter

import pytest

from fanlight_gateway.core import gate
from fanlight_gateway.core.gate import Drop, GateEvent, GateState
from tests.gateway.core.test_gate import LIMITS, Fixture, unit
from tests.tables import table

ROWS = table(gate.__doc__, 5)
OFFERED = {
    GateEvent.IDR: unit(9, idr=True),
    GateEvent.DELTA: unit(3),
    GateEvent.GAP: unit(4),
    GateEvent.BACKLOG: unit(3),
}
WAITING = [unit(1, idr=True), unit(2)]
TOO_LATE = LIMITS.backlog_s + 0.001


def gate_in(state: GateState) -> Fixture:
    """Return a gate in this state, at which two units wait."""
    f = Fixture()
    for one in WAITING:
        f.gate.offer(one, 0)
    if state is GateState.CLOSED:
        f.gate.interrupt()
    assert f.gate.state is state
    return f


def happens(f: Fixture, event: GateEvent) -> None:
    match event:
        case GateEvent.INTERRUPT:
            f.gate.interrupt()
        case GateEvent.CLOSE:
            f.gate.close()
        case _:
            f.gate.offer(OFFERED[event], TOO_LATE if event is GateEvent.BACKLOG else 0)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_code_does_what_the_table_says(row: list[str]) -> None:
    state, said, after, offered, waiting = row
    event = GateEvent(said)
    f = gate_in(GateState(state))
    happens(f, event)
    assert f.gate.state == after
    assert f.gate.is_open == (f.gate.state is GateState.OPEN)
    dropped: Counter[Drop] = Counter()
    sent = []
    if waiting == "stays":
        sent += WAITING
    else:
        dropped[Drop[waiting]] += len(WAITING)
    assert (offered == "-") == (event not in OFFERED)
    if offered == "waits":
        sent.append(OFFERED[event])
    elif offered != "-":
        dropped[Drop[offered]] += 1
    assert f.dropped == dropped
    assert f.gate.overflows == (event is GateEvent.BACKLOG), "a rest begins"
    assert [f.take(0) for _ in range(4)] == [one.data for one in sent] + [None] * (4 - len(sent))


def test_every_state_and_event_is_in_the_table() -> None:
    found = {(GateState(state), GateEvent(event)) for state, event, *_ in ROWS}
    assert len(found) == len(ROWS), "a row is there twice"
    # A closed gate knows of no unit that continues the GOP, so any delta is just a delta.
    impossible = {
        (GateState.CLOSED, GateEvent.GAP),
        (GateState.CLOSED, GateEvent.BACKLOG),
    }
    assert found | impossible == {(s, e) for s in GateState for e in GateEvent}
