"""The rate of what arrived at a viewer within the last half second."""

import pytest

from fanlight_gateway.core.delivery_rate import BYTES_PER_KBIT, DeliveryRate

OVER_S = 0.5


def test_nothing_has_arrived() -> None:
    assert DeliveryRate(OVER_S).kbps(0) == 0


def test_what_arrived_within_the_time_counts_and_then_no_more() -> None:
    rate = DeliveryRate(OVER_S)
    rate.add(1000 * BYTES_PER_KBIT, 0)
    rate.add(500 * BYTES_PER_KBIT, 0.2)
    assert rate.kbps(OVER_S) == 1500 / OVER_S
    assert rate.kbps(OVER_S + 0.1) == 500 / OVER_S
    assert rate.kbps(OVER_S + 0.3) == 0
    assert len(rate) == 0


def test_a_steady_stream_has_its_own_rate_and_is_forgotten_although_nobody_asks() -> None:
    rate = DeliveryRate(OVER_S)
    for number in range(10_000):
        now = 0.02 * number
        rate.add(1000, now)
        assert len(rate) <= OVER_S / 0.02 + 1
    assert rate.kbps(now) == pytest.approx(400, rel=0.1)
