"""UnitOrder: what one decoder can take."""

import pytest

from fanlight_common.core import unit_order
from fanlight_common.core.unit_order import UnitOrder
from fanlight_common.protocol.binary import VideoUnit
from tests.tables import table


def unit(epoch: int, sequence: int, *, idr: bool = False) -> VideoUnit:
    return VideoUnit(idr, 8, 8, epoch, sequence, 0, b"x")


def test_from_an_idr_on_without_a_gap() -> None:
    order = UnitOrder()
    assert not order.accepts(unit(1, 1))
    assert order.wants_idr
    assert order.accepts(unit(1, 2, idr=True))
    assert order.accepts(unit(1, 3))
    assert not order.wants_idr
    assert not order.accepts(unit(1, 5)), "a gap"
    assert not order.accepts(unit(1, 6)), "it continues what was not taken"
    assert order.wants_idr
    assert order.accepts(unit(1, 7, idr=True))
    assert not order.accepts(unit(2, 8)), "another epoch"
    assert order.accepts(unit(2, 9, idr=True))
    order.interrupt()
    assert not order.accepts(unit(2, 10))


def test_the_table_and_the_code_agree() -> None:
    rows = table(unit_order.__doc__, 4)
    for state, event, after, accepted in rows:
        order = UnitOrder()
        order.accepts(unit(1, 7, idr=True))
        if state == "CLOSED":
            order.interrupt()
        assert order.wants_idr == (state == "CLOSED")
        match event:
            case "an IDR":
                did = [order.accepts(unit(2, 1, idr=True))]
            case "the next delta or patch":
                did = [order.accepts(unit(1, 8))]
            case "any other delta or patch":
                did = [order.accepts(other) for other in (unit(1, 9), unit(2, 8), unit(1, 7))]
            case "interrupt":
                order.interrupt()
                did = []
            case _:
                pytest.fail(f"unknown event {event}")
        assert set(did) == ({accepted == "yes"} if did else set()), (state, event)
        assert order.wants_idr == (after == "CLOSED"), (state, event)
    assert len({(state, event) for state, event, *_ in rows}) == len(rows) == 2 * 4
