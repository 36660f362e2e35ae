"""Wheel deltas to clicks."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_capture.core.wheel import UNITS_PER_CLICK, WheelAccumulator


def test_wheel_gathers_deltas_into_clicks() -> None:
    wheel = WheelAccumulator()
    assert wheel.turn(0, 50) == (0, 0)
    assert wheel.turn(0, 50) == (0, 0)
    assert wheel.turn(0, 50) == (0, 1)
    assert wheel.turn(-240, 0) == (-2, 0)
    # A rest of 30 downwards was left, and is dropped when the wheel turns back.
    assert wheel.turn(0, -119) == (0, 0)
    assert wheel.turn(0, -1) == (0, -1)


@given(st.lists(st.integers(1, 32767)))
def test_wheel_loses_nothing_in_one_direction(deltas: list[int]) -> None:
    wheel = WheelAccumulator()
    assert sum(wheel.turn(d, 0)[0] for d in deltas) == sum(deltas) // UNITS_PER_CLICK
