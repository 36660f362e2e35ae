"""One clock for all hosts."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.bus_clock import LONGEST_TRIP_S, WINDOW_S, BusClock

AHEAD_US = 3_600_000_000
"""The directory's host was booted an hour before ours."""
WINDOW_US, LONGEST_TRIP_US = round(WINDOW_S * 1e6), round(LONGEST_TRIP_S * 1e6)


def ask(
    clock: BusClock, at_us: int, there_us: int, back_us: int, ahead_us: int = AHEAD_US
) -> float:
    answered_us = at_us + there_us + back_us
    jumped = clock.answered(at_us + there_us + ahead_us, at_us, answered_us)
    return jumped or 0


def test_a_guess_counts_until_there_is_an_answer() -> None:
    clock = BusClock(77)
    assert (clock.at(1000), clock.trip_s) == (1077, None)
    assert ask(clock, 0, 100, 100) == 0  # a guess that was wrong is no jump
    assert (clock.at(1000), clock.trip_s) == (1000 + AHEAD_US, 200e-6)


def test_the_shortest_trip_of_the_last_minute_counts() -> None:
    clock = BusClock(0)
    ask(clock, 0, 400_000, 0)
    assert clock.offset_us == AHEAD_US + 200_000
    ask(clock, 1_000_000, 100, 100)
    ask(clock, 2_000_000, 0, 300_000)
    assert clock.offset_us == AHEAD_US
    ask(clock, 2_000_000 + WINDOW_US, 2_000, 0)
    assert clock.offset_us == AHEAD_US + 1_000


def test_an_answer_that_took_too_long_says_nothing() -> None:
    clock = BusClock(5)
    ask(clock, 0, 0, LONGEST_TRIP_US + 1)
    assert clock.answered(0, 10, 9) is None
    assert clock.offset_us == 5


def test_another_directory_is_another_clock_at_once() -> None:
    clock = BusClock(0)
    ask(clock, 0, 100, 100)
    assert ask(clock, 1_000_000, 5_000, 5_000, AHEAD_US - 7_000_000) == -7.0
    assert clock.offset_us == AHEAD_US - 7_000_000


@given(
    trips=st.lists(st.tuples(st.integers(0, 400_000), st.integers(0, 400_000)), min_size=1),
    drift=st.floats(-50e-6, 50e-6),
)
def test_it_is_never_wrong_by_more_than_half_of_the_best_trip_and_no_noise_is_a_jump(
    trips: list[tuple[int, int]], drift: float
) -> None:
    clock = BusClock(0)
    at_us = 0
    for there_us, back_us in trips:
        at_us += 2_000_000
        ahead_us = AHEAD_US + int(drift * at_us)
        assert ask(clock, at_us, there_us, back_us, ahead_us) == 0
        best = min(
            sum(trip) for trip in trips[max(0, at_us // 2_000_000 - 30) : at_us // 2_000_000]
        )
        assert abs(clock.offset_us - ahead_us) <= best / 2 + 50e-6 * WINDOW_US + 2
