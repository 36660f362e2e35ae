"""When to grab, on a virtual clock."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_capture.core import grab_schedule
from fanlight_capture.core.grab_schedule import ECHO_S, Action, GrabSchedule, Step
from tests.tables import table


def streaming(interval_s: float = 0.1) -> GrabSchedule:
    schedule = GrabSchedule(interval_s)
    schedule.streaming = True
    return schedule


def test_without_demand_damage_does_nothing() -> None:
    schedule = GrabSchedule(0.1)
    assert schedule.damaged
    assert schedule.next(100.0) == Step(Action.WAIT, None)


def test_the_first_change_after_quiet_is_grabbed_at_once_then_paced() -> None:
    schedule = streaming()
    assert schedule.next(10.0) == Step(Action.GRAB)
    schedule.grab_begins(10.0)
    assert schedule.next(10.0) == Step(Action.WAIT, ECHO_S[0])
    schedule.damaged = True
    step = schedule.next(10.04)
    assert step.action is Action.WAIT
    assert step.seconds is not None
    assert abs(step.seconds - 0.06) < 1e-9
    assert schedule.next(10.1) == Step(Action.GRAB)


def test_late_timers_do_not_slow_the_pace() -> None:
    schedule = streaming()
    schedule.grab_begins(10.0)
    schedule.damaged = True
    # The grab is 3 ms late. The next one is due 0.1 s after this one was due.
    schedule.grab_begins(10.103)
    schedule.damaged = True
    assert schedule.next(10.2) == Step(Action.GRAB)


def test_a_pause_earns_no_burst() -> None:
    schedule = streaming()
    schedule.grab_begins(10.0)
    schedule.damaged = True
    schedule.grab_begins(15.0)
    schedule.damaged = True
    assert schedule.next(15.05).action is Action.WAIT


def test_who_wants_the_picture_gets_a_look_when_nothing_is_known_to_have_changed() -> None:
    schedule = GrabSchedule(0.1)
    schedule.wanted = True
    assert schedule.next(10.0) == Step(Action.GRAB)
    schedule.grab_begins(10.0)
    assert not schedule.wanted
    schedule.wanted = True
    assert schedule.next(10.0) == Step(Action.LOOK)
    schedule.damaged = True
    assert schedule.next(10.05).action is Action.WAIT


@given(st.lists(st.floats(0.0001, 0.5), min_size=1, max_size=200))
def test_never_more_than_the_rate_in_the_long_run(pauses: list[float]) -> None:
    schedule = streaming(0.02)
    now, grabs = 5.0, 0
    for pause in pauses:
        schedule.damaged = True
        if schedule.next(now).action is Action.GRAB:
            schedule.grab_begins(now)
            grabs += 1
        now += pause
    assert grabs <= (now - 5.0) / 0.02 + 2


def test_the_last_frame_is_echoed_a_few_times_while_somebody_streams_and_then_no_more() -> None:
    schedule = streaming()
    schedule.grab_begins(10.0)
    for after_s in ECHO_S:
        step = schedule.next(10.0 + after_s / 2)
        assert step.action is Action.WAIT
        assert step.seconds is not None
        assert schedule.next(10.0 + after_s) == Step(Action.ECHO)
    assert schedule.next(10.0 + 2 * ECHO_S[-1]) == Step(Action.WAIT, None)
    schedule.damaged = True
    schedule.grab_begins(20.0)
    assert schedule.next(20.0 + ECHO_S[0]) == Step(Action.ECHO), "each grab begins them anew"
    schedule.streaming = False
    assert schedule.next(30.0) == Step(Action.WAIT, None)


FLAGS = ("streaming", "wanted", "awaited", "damaged")
BEGAN, INTERVAL_S = 10.0, 0.1
CLOCKS = {
    # What holds at each moment after a grab: is the next grab due, and is an echo?
    BEGAN + INTERVAL_S / 2: {"before due", "before echo"},
    BEGAN + INTERVAL_S + ECHO_S[0] / 3: {"due", "before echo"},
    BEGAN + ECHO_S[0]: {"due", "echo"},
    BEGAN + ECHO_S[-1] + 1: {"due", "no echo"},
}
STEPS = {
    "WAIT for a flag": lambda _: Step(Action.WAIT),
    "WAIT until due": lambda now: Step(Action.WAIT, BEGAN + INTERVAL_S - now),
    "WAIT until echo": lambda now: Step(Action.WAIT, BEGAN + ECHO_S[0] - now),
    "GRAB": lambda _: Step(Action.GRAB),
    "LOOK": lambda _: Step(Action.LOOK),
    "ECHO": lambda _: Step(Action.ECHO),
}


def test_the_table_and_the_code_agree() -> None:
    rows = table(grab_schedule.__doc__, 6)
    used = set()
    for values in itertools.product((False, True), repeat=4):
        for now, clocks in CLOCKS.items():
            schedule = GrabSchedule(INTERVAL_S)
            schedule.streaming = True
            schedule.grab_begins(BEGAN)
            if "no echo" in clocks:
                for after_s in ECHO_S:
                    assert schedule.next(BEGAN + after_s).action is Action.ECHO
            for flag, value in zip(FLAGS, values, strict=True):
                setattr(schedule, flag, value)
            said = ["yes" if value else "no" for value in values]
            number, row = next(
                (number, row)
                for number, row in enumerate(rows)
                if all(cell in {"-", value} for cell, value in zip(row, said, strict=False))
                and row[4] in {"-", *clocks}
            )
            used.add(number)
            step, expected = schedule.next(now), STEPS[row[5]](now)
            assert step.action is expected.action, (said, clocks)
            assert step.seconds == pytest.approx(expected.seconds), (said, clocks)
    assert used == set(range(len(rows))), "a row never fits first"
