"""The load that the directory chooses by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_encoder.core.load import LoadMeter


def test_half_busy_is_half_of_one_stream_and_an_eighth_of_four() -> None:
    for capacity, expected in ((1, 0.5), (4, 0.125)):
        meter = LoadMeter(capacity, 0.0)
        for tick in range(1, 100):
            meter.busy(0.125)
            load = meter.sample(tick * 0.25)
        assert load == pytest.approx(expected, abs=0.001)


def test_it_sinks_again_and_time_that_stands_still_is_no_harm() -> None:
    meter = LoadMeter(1, 0.0)
    meter.busy(1.0)
    first = meter.sample(1.0)
    assert 0 < first < 1
    assert meter.sample(1.0) == first
    assert meter.sample(9.0) < 0.1


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=50))
def test_it_is_a_share(steps: list[tuple[float, float]]) -> None:
    meter, now = LoadMeter(2, 0.0), 0.0
    for busy, step in steps:
        meter.busy(busy)
        now += step
        assert 0 <= meter.sample(now) <= 1
