"""How many requests may wait, and how many pictures may be made, at a time."""

import pytest

from fanlight_screenshot.core.admission import Admission, AdmissionLimits, BusyError


def test_most_places_may_be_of_one_desk() -> None:
    assert AdmissionLimits().of_one_desk == 4000
    assert AdmissionLimits(waiting=1).of_one_desk == 1
    assert AdmissionLimits(waiting=100, waiting_desk=7).of_one_desk == 7


def test_who_is_refused_is_not_counted() -> None:
    admission = Admission(AdmissionLimits(waiting=3, waiting_desk=2, waiting_client=1))
    admission.begin_wait("main", "anna")
    with pytest.raises(BusyError):
        admission.begin_wait("main", "anna")
    admission.begin_wait("main", "")
    with pytest.raises(BusyError):
        admission.begin_wait("main", "")
    admission.begin_wait("other", "anna")
    with pytest.raises(BusyError):
        admission.begin_wait("third", "")
    assert admission.waiting == 3
    admission.end_wait("main", "anna")
    admission.begin_wait("main", "anna")
    for desk, client in (("main", "anna"), ("main", ""), ("other", "anna")):
        admission.end_wait(desk, client)
    assert admission.waiting == 0


def test_pictures_under_way() -> None:
    admission = Admission(AdmissionLimits(pending=1))
    admission.begin_picture()
    with pytest.raises(BusyError):
        admission.begin_picture()
    admission.end_picture()
    admission.begin_picture()
