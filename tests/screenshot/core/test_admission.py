"""How many may wait, and how many pictures are made, at a time."""

import pytest

from fanlight_screenshot.core.admission import Admission, AdmissionLimits, BusyError


def test_most_places_may_be_of_one_desk() -> None:
    assert AdmissionLimits().of_one_desk == 4000
    assert AdmissionLimits(waiting=1).of_one_desk == 1
    assert AdmissionLimits(waiting=100, waiting_desk=7).of_one_desk == 7


def test_who_is_refused_is_not_counted() -> None:
    admission = Admission(AdmissionLimits(waiting=3, waiting_desk=2, waiting_client=1))
    admission.hold("main", "anna")
    with pytest.raises(BusyError):
        admission.hold("main", "anna")
    admission.hold("main", "")
    with pytest.raises(BusyError):
        admission.hold("main", "")
    admission.hold("other", "anna")
    with pytest.raises(BusyError):
        admission.hold("third", "")
    assert admission.held == 3
    admission.release("main", "anna")
    admission.hold("main", "anna")
    for desk, client in (("main", "anna"), ("main", ""), ("other", "anna")):
        admission.release(desk, client)
    assert admission.held == 0


def test_pictures_under_way() -> None:
    admission = Admission(AdmissionLimits(pending=1))
    admission.begin()
    with pytest.raises(BusyError):
        admission.begin()
    admission.end()
    admission.begin()
