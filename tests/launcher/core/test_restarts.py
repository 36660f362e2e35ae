"""When a process that died is started again."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_launcher.core.restarts import LIMIT, WINDOW_S, Restarts


def test_first_at_once_then_later_then_never() -> None:
    restarts = Restarts()
    assert [restarts.died(now) for now in (0.0, 1.0, 2.0, 3.0, 4.0)] == [0.0, 0.5, 1.0, 2.0, None]


def test_deaths_older_than_a_minute_do_not_count() -> None:
    restarts = Restarts()
    for now in (0.0, 1.0, 2.0, 3.0):
        assert restarts.died(now) is not None
    assert restarts.died(63.0) == 0.0


def test_a_death_every_sixteen_seconds_is_no_reason_to_give_up() -> None:
    restarts = Restarts()
    assert None not in [restarts.died(now * 16.0) for now in range(100)]


@given(st.lists(st.floats(0, 40), min_size=1, max_size=60))
def test_it_gives_up_at_five_deaths_within_a_minute_and_never_else(gaps: list[float]) -> None:
    restarts = Restarts()
    now = 0.0
    deaths: list[float] = []
    for gap in gaps:
        now += gap
        deaths.append(now)
        recent = sum(now - death < WINDOW_S for death in deaths)
        assert (restarts.died(now) is None) == (recent >= LIMIT)
