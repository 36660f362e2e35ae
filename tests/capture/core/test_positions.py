"""Positions as fractions and as pixels."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_capture.core.positions import position, to_fraction, to_pixel
from fanlight_common.protocol.binary import PointerPosition


@given(st.integers(1, 16384), st.data())
def test_positions_survive_the_way_there_and_back(size: int, data: st.DataObject) -> None:
    pixel = data.draw(st.integers(0, size - 1))
    assert to_pixel(to_fraction(pixel, size), size) == pixel
    fraction = data.draw(st.integers(0, 65535))
    assert 0 <= to_pixel(fraction, size) < size


def test_positions_outside_are_clamped() -> None:
    assert position(-5, 5000, 100, 100) == PointerPosition(0, 65535)
