"""The life of a display: when it is tried again, and what is logged of it."""

import pytest

from fanlight_capture.core import display_life
from fanlight_capture.core.display_life import (
    RETRY_FIRST_S,
    RETRY_MOST_S,
    DisplayLife,
    DisplayLoss,
    DisplayState,
)
from tests.tables import table

ROWS = table(display_life.__doc__, 4)
WAITS = {
    "tries again after RETRY_FIRST_S": RETRY_FIRST_S,
    "tries again after twice the wait, at most RETRY_MOST_S": 2 * RETRY_FIRST_S,
}


def life_in(state: DisplayState) -> DisplayLife:
    life = DisplayLife()
    if state is DisplayState.LIVE:
        life.opened()
    elif state is DisplayState.AWAY:
        life.lost()
    assert life.state is state
    return life


def test_the_table_has_every_event_in_every_state_but_an_opening_of_what_is_open() -> None:
    found = {(DisplayState[state], event) for state, event, *_ in ROWS}
    possible = {(state, event) for state in DisplayState for event in ("opened", "lost")}
    assert found == possible - {(DisplayState.LIVE, "opened")}


@pytest.mark.parametrize(("state", "event", "after", "effect"), ROWS, ids=str)
def test_the_table_and_the_code_agree(state: str, event: str, after: str, effect: str) -> None:
    life = life_in(DisplayState[state])
    if event == "opened":
        life.opened()
        assert effect == "serves the desk"
    else:
        wait = effect.removeprefix("logs it, ")
        assert life.lost() == DisplayLoss(is_new=wait != effect, retry_s=WAITS[wait])
    assert life.state is DisplayState[after]


def test_the_wait_doubles_up_to_its_limit_and_begins_anew_with_each_display() -> None:
    life = DisplayLife()
    waits = [life.lost().retry_s for _ in range(6)]
    assert waits == [0.25, 0.5, 1.0, 2.0, RETRY_MOST_S, RETRY_MOST_S]
    life.opened()
    assert life.lost() == DisplayLoss(is_new=True, retry_s=RETRY_FIRST_S)
