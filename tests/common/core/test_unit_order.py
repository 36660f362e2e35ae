"""UnitOrder: what one decoder can take."""

from fanlight_common.core.unit_order import UnitOrder
from fanlight_common.protocol.binary import VideoUnit


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
