"""When to grab, on a virtual clock."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_capture.core.grab_schedule import ECHO_S, Action, GrabSchedule, Step


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
    # Woken 3 ms late: the next one is due 0.1 s after this one was due.
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
