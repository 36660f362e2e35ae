"""The table of `pointer_life` and its code agree. Nothing is subscribed to."""

import pytest

from fanlight_screenshot.core import pointer_life
from fanlight_screenshot.core.pointer_life import PointerLife
from tests.tables import table

ROWS = table(pointer_life.__doc__, 4)
KEEP_S, NOW = 30.0, 100.0


def state(life: PointerLife) -> str:
    if life.is_followed:
        return "followed"
    return "idle" if life.endpoint else "away"


def bring(life: PointerLife, to: str) -> None:
    """Bring the pointer into a state, from nothing."""
    if to != "away":
        life.moved("ipc:///one")
    if to == "followed":
        assert life.requested(NOW)
        life.subscribed()
    assert state(life) == to


@pytest.mark.parametrize(("before", "event", "after", "effect"), ROWS)
def test_the_code_does_what_the_table_says(
    before: str, event: str, after: str, effect: str
) -> None:
    life = PointerLife(KEEP_S)
    bring(life, before)
    subscribes = unsubscribes = False
    match event:
        case "request":
            subscribes = life.requested(NOW)
        case "moved":
            subscribes = unsubscribes = life.moved("ipc:///another")
        case "expire":
            assert not life.expired(NOW + KEEP_S - 1)
            unsubscribes = life.expired(NOW + KEEP_S)
        case "close":
            life.closed()
            unsubscribes = "unsubscribe" in effect  # The caller does that in any case.
        case _:
            pytest.fail(f"unknown event {event}")
    if subscribes:
        life.subscribed()
    did = [
        name for name, is_so in (("unsubscribe", unsubscribes), ("subscribe", subscribes)) if is_so
    ]
    assert (state(life), " and ".join(did) or "-") == (after, effect)


def test_a_request_puts_off_the_end() -> None:
    life = PointerLife(KEEP_S)
    bring(life, "followed")
    assert not life.requested(NOW + 20), "it is followed already"
    assert not life.expired(NOW + 20 + KEEP_S - 1)
    assert life.expired(NOW + 20 + KEEP_S)
    assert not life.expired(NOW + 20 + KEEP_S), "it is over"
