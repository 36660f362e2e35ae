"""When a process that died is started again, and when it is given up."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_launcher.core import restarts
from fanlight_launcher.core.restarts import LIMIT, WINDOW_S, Restarts
from tests.tables import table


def test_first_at_once_then_later_then_never() -> None:
    one = Restarts()
    assert [one.died(now) for now in (0.0, 1.0, 2.0, 3.0, 4.0)] == [0.0, 0.5, 1.0, 2.0, None]


def test_deaths_older_than_a_minute_do_not_count() -> None:
    one = Restarts()
    for now in (0.0, 1.0, 2.0, 3.0):
        assert one.died(now) is not None
    assert one.died(63.0) == 0.0


def test_a_death_every_sixteen_seconds_is_no_reason_to_give_up() -> None:
    one = Restarts()
    assert None not in [one.died(now * 16.0) for now in range(100)]


@given(st.lists(st.floats(0, 40), min_size=1, max_size=60))
def test_it_gives_up_at_five_deaths_within_a_minute_and_never_else(gaps: list[float]) -> None:
    one = Restarts()
    now = 0.0
    deaths: list[float] = []
    for gap in gaps:
        now += gap
        deaths.append(now)
        recent = sum(now - death < WINDOW_S for death in deaths)
        assert (one.died(now) is None) == (recent >= LIMIT)


def effect_of(pause_s: float | None) -> str:
    """Return the answer of `died`, as the table says it."""
    if pause_s is None:
        return "give up"
    return f"start after {pause_s:g} s" if pause_s else "start at once"


def test_the_table_and_the_code_agree() -> None:
    rows = table(restarts.__doc__, 4)
    effects = {int(deaths): effect for deaths, event, _, effect in rows if event == "died"}
    assert set(effects) == set(range(LIMIT + 1))
    for deaths, event, after, effect in rows:
        one = Restarts()
        for number in range(int(deaths)):
            one.died(float(number))
        if event == "died":
            assert effect_of(one.died(LIMIT)) == effect, deaths
            # The next death shows the state.
            assert effect_of(one.died(LIMIT)) == effects[int(after)]
        else:
            assert (event, effect) == ("forget", "-")
            # The first death is just a minute old, the second is not.
            assert effect_of(one.died(WINDOW_S)) == effects[int(after)], deaths
    assert {(deaths, event) for deaths, event, *_ in rows} == {
        (str(deaths), event)
        for deaths in range(LIMIT + 1)
        for event in ("died", "forget")
        if (deaths, event) != (0, "forget")
    }
