"""IDR requests: one request for all who wait, repeated only if no IDR came."""

import pytest

from fanlight_common.core import idr_requests
from fanlight_common.core.idr_requests import IdrRequestLimits, IdrRequests, IdrRequestState
from tests.tables import table


def test_one_idr_for_all_who_wait_and_again_only_if_none_came() -> None:
    requests = IdrRequests(IdrRequestLimits(retry_s=1.0, interval_s=0.25))
    assert not requests.take_due(False, 0)
    assert requests.take_due(True, 0)
    assert not requests.take_due(True, 0.999)
    assert requests.take_due(True, 1.0)
    requests.arrived()
    assert not requests.take_due(True, 1.249)
    assert requests.take_due(True, 1.25)
    requests.reset()
    assert requests.take_due(True, 1.25)


LIMITS = IdrRequestLimits(retry_s=1.0, interval_s=0.25)


def test_the_table_and_the_code_agree() -> None:
    rows = table(idr_requests.__doc__, 4)
    for state, event, after, asks in rows:
        requests = IdrRequests(LIMITS)
        assert requests.take_due(True, 10.0)
        if state == "IDLE":
            requests.arrived()
        assert requests.state.name == state
        did = "-"
        match event.split():
            case ["arrived"]:
                requests.arrived()
            case ["reset"]:
                requests.reset()
            case ["wanted,", when, *_, limit]:
                pause_s = getattr(LIMITS, limit) - (0.01 if when == "sooner" else 0.0)
                did = "yes" if requests.take_due(True, 10.0 + pause_s) else "no"
            case _:
                pytest.fail(f"unknown event {event}")
        assert (requests.state.name, did) == (after, asks), (state, event)
        if event == "reset":
            assert requests.take_due(True, 10.0), "the last request is forgotten"
    assert {row[0] for row in rows} == {state.name for state in IdrRequestState}
