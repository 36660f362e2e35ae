"""UnitOrder: what one decoder can take."""

import pytest

from fanlight_common.core import unit_order
from fanlight_common.core.unit_order import UnitOrder
from tests.tables import table


def test_from_an_idr_on_without_a_gap() -> None:
    order = UnitOrder()
    assert not order.accepts(1, 1, idr=False)
    assert order.wants_idr
    assert order.accepts(1, 2, idr=True)
    assert order.accepts(1, 3, idr=False)
    assert not order.wants_idr
    assert not order.accepts(1, 5, idr=False), "a gap"
    assert not order.accepts(1, 6, idr=False), "it continues what was not taken"
    assert order.wants_idr
    assert order.accepts(1, 7, idr=True)
    assert not order.accepts(2, 8, idr=False), "another epoch"
    assert order.accepts(2, 9, idr=True)
    order.interrupt()
    assert not order.accepts(2, 10, idr=False)


def test_the_table_and_the_code_agree() -> None:
    rows = table(unit_order.__doc__, 4)
    for state, event, after, accepted in rows:
        order = UnitOrder()
        order.accepts(1, 7, idr=True)
        if state == "CLOSED":
            order.interrupt()
        assert order.wants_idr == (state == "CLOSED")
        match event:
            case "an IDR":
                did = [order.accepts(2, 1, idr=True)]
            case "the next delta or patch":
                did = [order.accepts(1, 8, idr=False)]
            case "any other delta or patch":
                others = ((1, 9), (2, 8), (1, 7))
                did = [order.accepts(*other, idr=False) for other in others]
            case "interrupt":
                order.interrupt()
                did = []
            case _:
                pytest.fail(f"unknown event {event}")
        assert set(did) == ({accepted == "yes"} if did else set()), (state, event)
        assert order.wants_idr == (after == "CLOSED"), (state, event)
    assert len({(state, event) for state, event, *_ in rows}) == len(rows) == 2 * 4
