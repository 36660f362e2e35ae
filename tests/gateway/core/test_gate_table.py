"""The table of the gate and the code agree: each event in each state."""

from collections import Counter

import pytest

from fanlight_gateway.core import gate
from fanlight_gateway.core.gate import Drop
from tests.gateway.core.test_gate import LIMITS, Fixture, unit
from tests.tables import table

ROWS = table(gate.__doc__, 5)
STATES = ("open", "closed")
OFFERED = {"idr": unit(9, idr=True), "delta": unit(3), "gap": unit(4), "backlog": unit(3)}
"""The unit of each event at which one is offered."""
EVENTS = (*OFFERED, "interrupt", "close")
WAITING = [unit(1, idr=True), unit(2)]
TOO_LATE = LIMITS.backlog_s + 0.001


def gate_in(state: str) -> Fixture:
    """Return a gate in this state, at which two units wait."""
    f = Fixture()
    for one in WAITING:
        f.gate.offer(one, 0)
    if state == "closed":
        f.gate.interrupt()
    assert state_of(f) == state
    return f


def state_of(f: Fixture) -> str:
    return "open" if f.gate.is_open else "closed"


def happens(f: Fixture, event: str) -> None:
    match event:
        case "interrupt":
            f.gate.interrupt()
        case "close":
            f.gate.close()
        case _:
            f.gate.offer(OFFERED[event], TOO_LATE if event == "backlog" else 0)


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_code_does_what_the_table_says(row: list[str]) -> None:
    state, event, after, offered, waiting = row
    f = gate_in(state)
    happens(f, event)
    assert state_of(f) == after
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
    assert f.gate.overflows == (event == "backlog"), "a rest begins"
    assert [f.take(0) for _ in range(4)] == [one.data for one in sent] + [None] * (4 - len(sent))


def test_every_state_and_event_is_in_the_table() -> None:
    found = {(state, event) for state, event, *_ in ROWS}
    assert len(found) == len(ROWS), "a row is there twice"
    # A closed gate knows of no unit that continues the GOP, so any delta is just a delta.
    impossible = {("closed", "gap"), ("closed", "backlog")}
    assert found | impossible == {(state, event) for state in STATES for event in EVENTS}
