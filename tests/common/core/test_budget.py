"""The credit of a stream: how large the next unit may be, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.budget import Budget


def test_a_full_bucket_then_what_the_link_carries() -> None:
    budget = Budget(800, 0.1)  # 100 kB/s
    assert budget.kbps == 800
    assert budget.of(0.5) == 50_000
    assert budget.available_bytes(5.0) == 10_000
    assert budget.ready_at(10_000) < 5.0
    budget.spend(10_000, 5.0)
    assert budget.available_bytes(5.0) == 0
    assert budget.ready_at(2_000) == pytest.approx(5.02)
    assert budget.available_bytes(5.02) == pytest.approx(2_000, abs=1)
    assert budget.available_bytes(60.0) == 10_000


def test_a_unit_too_large_is_paid_for_by_those_after_it() -> None:
    budget = Budget(800, 0.1)
    budget.spend(15_000, 5.0)
    assert budget.available_bytes(5.0) == pytest.approx(-5_000, abs=1)
    # At a quarter of the rate the same bytes take four times as long.
    budget.set_rate(200, 5.0)
    assert budget.ready_at(0) == pytest.approx(5.2)
    assert budget.available_bytes(5.0) == pytest.approx(-5_000, abs=1)


def test_more_than_the_bucket_holds_is_not_waited_for() -> None:
    budget = Budget(800, 0.1)
    budget.spend(10_000, 5.0)
    assert budget.ready_at(10**9) == pytest.approx(5.1)


@given(st.lists(st.tuples(st.floats(0, 0.2), st.integers(300, 16_000)), max_size=50))
def test_over_any_time_no_more_is_sent_than_the_rate_and_one_bucket(
    steps: list[tuple[float, int]],
) -> None:
    budget = Budget(16_000, 0.1)
    now, sent, carried = 100.0, 0, 0.1 * 2_000_000
    for wait, kbps in steps:
        now += wait
        carried += wait * budget.kbps * 125
        available = budget.available_bytes(now)
        if available > 0:
            budget.spend(available, now)
            sent += available
        budget.set_rate(kbps, now)
    assert sent <= carried + 1
