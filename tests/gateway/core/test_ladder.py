"""A viewer moves down if its path cannot carry the rendition, and up after a quiet time, which
becomes longer each time that this fails."""

import pytest

from fanlight_common.core.names import Rendition
from fanlight_gateway.core import ladder
from fanlight_gateway.core.ladder import Ladder, LadderLimits, LadderState
from tests.tables import table

LIMITS = LadderLimits()
MAX_QUIET_S = LIMITS.max_quiet_s
STEP_S = 0.125
"""As the gateway's clock ticks. Floats hold its multiples exactly."""


class Climb:
    """A ladder and a clock."""

    def __init__(self) -> None:
        self.ladder = Ladder(LIMITS, 0)
        self.now = 0.0

    @property
    def state(self) -> LadderState:
        return self.ladder.state(self.now)

    def wait(
        self, seconds: float, kbps: float, *, limited: bool = True, behind: bool = False
    ) -> list[Rendition]:
        """Step each STEP_S for this time. Returns the renditions that the viewer moved to."""
        changes = []
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            if self.ladder.step(kbps, limited=limited, fell_behind=behind, now=self.now):
                changes.append(self.ladder.rendition)
        return changes


def test_a_good_path_stays_on_top() -> None:
    assert Climb().wait(100, 16_000) == []


def test_a_poor_path_goes_down_step_by_step_and_no_further_than_the_lowest() -> None:
    climb = Climb()
    assert climb.wait(1, 1999) == []
    assert climb.wait(0.1, 1999) == [Rendition.HALF]
    assert climb.wait(5, 701) == []
    assert climb.wait(1.1, 699) == [Rendition.LOW]
    assert climb.wait(60, 10, behind=True) == []


def test_one_bad_moment_does_not_decide() -> None:
    climb = Climb()
    for _ in range(20):
        assert climb.wait(0.9, 500) == []
        assert climb.wait(0.1, 5000) == []


def test_what_is_not_made_use_of_says_nothing() -> None:
    assert Climb().wait(60, 300, limited=False) == []


def test_who_lets_others_pay_moves_at_once() -> None:
    assert Climb().wait(0.1, 16_000, behind=True) == [Rendition.HALF]


def test_up_after_a_quiet_while_if_the_path_takes_it() -> None:
    climb = Climb()
    climb.wait(1.1, 1000)
    assert climb.wait(60, 2299) == []
    assert climb.wait(0.1, 2300) == [Rendition.HIGH]


def test_a_probe_that_fails_makes_the_next_one_come_later() -> None:
    climb = Climb()
    climb.wait(1.1, 1000)
    waits = []
    for _ in range(8):
        began = climb.now
        while not climb.wait(0.1, 5000):
            pass
        waits.append(climb.now - began)
        assert climb.wait(1.1, 500) == [Rendition.HALF]
    assert waits == [10, 20, 40, 80, 160, *[MAX_QUIET_S] * 3]


def test_a_probe_that_stood_is_forgotten() -> None:
    climb = Climb()
    climb.wait(1.1, 1000)
    climb.wait(10, 5000)
    climb.wait(1.1, 500)  # the probe failed, so the quiet time is 20 s from now on
    assert climb.wait(19.8, 5000) == []
    assert climb.wait(0.2, 5000) == [Rendition.HIGH]
    climb.wait(60, 5000)
    assert climb.wait(1.1, 500) == [Rendition.HALF]  # so much later that this is no failed probe
    assert climb.wait(1.1, 500) == [Rendition.LOW]
    assert climb.wait(20, 5000) == [Rendition.HALF]
    assert climb.wait(20, 5000) == [Rendition.HIGH]
    climb.wait(60, 5000)
    climb.wait(1.1, 500)
    assert climb.wait(10.1, 5000) == [Rendition.HIGH]


def climb_in(state: LadderState) -> Climb:
    """Return a viewer in the middle of the ladder, whose quiet time has doubled once."""
    climb = Climb()
    climb.wait(1.1, 1000)
    climb.wait(10, 5000)
    assert climb.wait(1.1, 1000) == [Rendition.HALF]
    if state is not LadderState.SETTLED:
        assert climb.wait(1.1, 500) == [Rendition.LOW]
        assert climb.wait(20, 1000) == [Rendition.HALF]
    if state is LadderState.PROVEN:
        assert climb.wait(20, 1000) == []
    assert (climb.state, climb.ladder._quiet_s) == (state, 20)
    return climb


def moves_of(climb: Climb, event: str) -> list[Rendition]:
    """Let the event happen. Returns the renditions that the viewer moved to."""
    match event:
        case "poor":
            return climb.wait(1.1, 500)
        case "behind":
            return climb.wait(0.1, 1000, behind=True)
        case "stood":
            return climb.wait(20, 1000)
        case "well":
            moves: list[Rendition] = []
            while not moves and climb.now < 1000:
                moves = climb.wait(0.1, 5000)
            return moves
        case _:
            raise ValueError(event)


ROWS = table(ladder.__doc__, 5)
EVENTS = ("poor", "behind", "well", "stood")
MOVES = {"down": [Rendition.LOW], "up": [Rendition.HIGH], "-": []}
QUIET_S = {"same": 20, "doubled": 40, "first": LIMITS.quiet_s}


@pytest.mark.parametrize("row", ROWS, ids=" ".join)
def test_the_code_does_what_the_table_says(row: list[str]) -> None:
    state, event, move, after, quiet = row
    climb = climb_in(LadderState(state))
    assert moves_of(climb, event) == MOVES[move]
    assert climb.state == after
    assert climb.ladder._quiet_s == QUIET_S[quiet]


def test_every_state_and_event_is_in_the_table() -> None:
    found = {(LadderState(state), event) for state, event, *_ in ROWS}
    assert len(found) == len(ROWS), "a row is there twice"
    impossible = {
        # WELL needs a quiet time without a move, and that makes the last move proven.
        (LadderState.PROBING, "well"),
        # Only a move up that is not proven yet can prove itself.
        (LadderState.SETTLED, "stood"),
        (LadderState.PROVEN, "stood"),
    }
    assert found | impossible == {(s, e) for s in LadderState for e in EVENTS}


@pytest.mark.parametrize("state", LadderState)
def test_nobody_moves_past_the_ends(state: LadderState) -> None:
    low = climb_in(state)
    while low.ladder.rendition is not Rendition.LOW:
        moves_of(low, "behind")
    assert moves_of(low, "behind") == []
    assert moves_of(low, "poor") == []
    high = Climb()
    assert high.wait(60, 16_000) == []
