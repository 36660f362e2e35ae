"""IDRs on request: one for several requests, not too close together, and none forgotten."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_encoder.core import idr_policy
from fanlight_encoder.core.idr_policy import TRANSITIONS, IdrEvent, IdrPolicy, IdrState
from tests.tables import table


def test_the_table_answers_every_event_in_every_state() -> None:
    assert set(TRANSITIONS) == set(product(IdrState, IdrEvent))


def test_the_table_that_is_read_is_the_one_that_is_run_by() -> None:
    rows = table(idr_policy.__doc__, 4)
    assert {
        (IdrState[row[0]], event): IdrState[after]
        for row in rows
        for event, after in zip(IdrEvent, row[1:], strict=True)
    } == TRANSITIONS


@pytest.mark.parametrize(("state", "event"), TRANSITIONS)
def test_the_code_goes_where_the_table_says(state: IdrState, event: IdrEvent) -> None:
    policy = IdrPolicy(0.25)
    if state is IdrState.PAID:
        policy.unit_sent(0.0, idr=True)
    if event is IdrEvent.ASKED:
        policy.request()
    else:
        policy.unit_sent(1.0, idr=event is IdrEvent.IDR_SENT)
    assert policy.pending == (TRANSITIONS[state, event] is IdrState.OWED)


def test_the_first_unit_is_one() -> None:
    assert IdrPolicy(0.25).due(0.0)


def test_many_requests_are_one_idr() -> None:
    policy = IdrPolicy(0.25)
    policy.unit_sent(0.0, idr=True)
    assert policy.request() is True
    assert policy.request() is False
    assert policy.due(1.0)
    policy.unit_sent(1.0, idr=True)
    assert not policy.pending
    assert not policy.due(9.0)


def test_one_that_comes_too_early_is_remembered() -> None:
    policy = IdrPolicy(0.25)
    policy.unit_sent(1.0, idr=True)
    policy.request()
    assert not policy.due_on_request(1.2)
    assert policy.pending
    assert policy.ready_at == 1.25
    policy.unit_sent(1.2, idr=False)
    assert policy.due_on_request(1.25)


def test_a_gop_makes_one_every_so_many_units_and_owes_none_to_an_idle_desk() -> None:
    policy = IdrPolicy(0.25, gop=30)
    made = []
    for number in range(91):
        idr = policy.due(number / 60)
        policy.unit_sent(number / 60, idr)
        made.append(idr)
    assert [number for number, idr in enumerate(made) if idr] == [0, 30, 60, 90]
    assert not policy.due_on_request(99.0)


@given(st.lists(st.tuples(st.floats(0, 0.1), st.booleans()), max_size=200))
def test_whatever_is_asked_they_keep_their_distance_and_the_last_request_is_met(
    steps: list[tuple[float, bool]],
) -> None:
    policy, now, times = IdrPolicy(0.25), 0.0, []
    for step, asks in steps:
        now += step
        if asks:
            policy.request()
        idr = policy.due(now)
        policy.unit_sent(now, idr)
        if idr:
            times.append(now)
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(times))
    assert not policy.pending or policy.due(now + 0.25)
