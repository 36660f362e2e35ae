"""A unit's forms are encoded once for each kind of transport, and only if they are needed."""

import pytest

from fanlight_common.protocol.binary import VideoUnit
from fanlight_gateway.core.unit import Unit, relaxed
from fanlight_gateway.core.websocket_frames import framed


@pytest.mark.parametrize("size", [1, 200, 70_000])
def test_the_flag_that_an_acknowledgement_may_wait_is_all_that_differs(size: int) -> None:
    unit = VideoUnit(False, 64, 32, 7, 3, 5, bytes(size))
    told = VideoUnit(False, 64, 32, 7, 3, 5, bytes(size), relaxed=True)
    assert relaxed(unit.encode()) == told.encode()
    forms = Unit(7, 3, False, unit.encode())
    assert forms.forms[framed] == framed(unit.encode())
    assert forms.relaxed_forms[framed] == framed(told.encode())


def test_each_form_is_made_once_when_it_is_first_needed() -> None:
    made = []

    def one(message: bytes) -> bytes:
        made.append(message)
        return b"one" + message

    def other(message: bytes) -> bytes:
        return b"other" + message

    data = VideoUnit(True, 64, 32, 1, 1, 5, b"x").encode()
    unit = Unit(1, 1, True, data)
    assert not made
    assert unit.forms[one] is unit.forms[one]
    assert made == [data]
    assert unit.forms[other] == b"other" + data
    assert unit.relaxed_forms[one] == b"one" + relaxed(data)
    assert unit.label == (1, 1)
    assert unit.following == (1, 2)
    assert unit.size_bytes == len(data)
