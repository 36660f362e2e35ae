"""IDR requests: one for all who wait, again only if none came."""

from fanlight_common.core.idr_requests import IdrRequestLimits, IdrRequests


def test_one_idr_for_all_who_wait_and_again_only_if_none_came() -> None:
    requests = IdrRequests(IdrRequestLimits(retry_s=1.0, interval_s=0.25))
    assert not requests.is_due(False, 0)
    assert requests.is_due(True, 0)
    assert not requests.is_due(True, 0.999)
    assert requests.is_due(True, 1.0)
    requests.arrived()
    assert not requests.is_due(True, 1.249)
    assert requests.is_due(True, 1.25)
    requests.reset()
    assert requests.is_due(True, 1.25)
