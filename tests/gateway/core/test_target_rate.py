"""The target rate: its table and the code agree, and each change does what it is named for."""

import itertools

import pytest

from fanlight_gateway.core import target_rate
from fanlight_gateway.core.target_rate import (
    QueueState,
    RateChange,
    TargetRate,
    TargetRateLimits,
)
from tests.tables import table

LIMITS = TargetRateLimits(start_kbps=8000)
ROWS = table(target_rate.__doc__, 6)
EVENTS = ("measured", "moved", "lasted", "step")
INFLATION = {
    QueueState.EMPTY: 0.0,
    QueueState.LOW: 0.2,
    QueueState.MODERATE: 0.5,
    QueueState.HIGH: 0.8,
    QueueState.INFLATED: 1.5,
}
"""The smoothed inflation in each state, as a share of `inflation_s`."""
NEAR_KBPS = LIMITS.start_kbps
FAR_KBPS = 3 * LIMITS.start_kbps
CEILINGS: dict[float | None, str] = {NEAR_KBPS: "near", FAR_KBPS: "away", None: "away"}
"""Where the target is, seen from the ceiling, after a cut that set this ceiling."""
BASE_RTT_S = 0.02
NOW = 100.0


def rate_with(queue: QueueState, ceiling_kbps: float | None = None) -> TargetRate:
    """Return a rate in this state at NOW. Half a second later an event is due."""
    rate = TargetRate(LIMITS)
    if ceiling_kbps is not None:
        rate.observe(1.5 * LIMITS.inflation_s, NOW - 20)
        change = rate.take(ceiling_kbps, True, NOW - 19)
        assert change is RateChange.CUT_TO_DELIVERED
    rate.observe(INFLATION[queue] * LIMITS.inflation_s, NOW)
    assert rate.queue is queue
    return rate


@pytest.mark.parametrize("queue", QueueState)
def test_the_code_does_what_the_table_says(queue: QueueState) -> None:
    for ceiling, limited, used in itertools.product(CEILINGS, (True, False), (True, False)):
        rate = rate_with(queue, ceiling)
        now = NOW + LIMITS.inflation_sustain_s
        assert rate.is_due(now, BASE_RTT_S)
        event = "lasted" if queue is QueueState.INFLATED else "step"
        said = [event, queue, *("yes" if v else "no" for v in (limited, used)), CEILINGS[ceiling]]
        row = first_row(said)
        delivered_kbps = rate.kbps if used else 0.5 * rate.kbps
        assert rate.take(delivered_kbps, limited, now) == row[-1], said


def first_row(said: list[str]) -> list[str]:
    """Return the first row of the table that fits."""
    return next(
        row
        for row in ROWS
        if all(cell in {"-", value} for cell, value in zip(row, said, strict=False))
    )


def test_every_row_is_the_first_that_fits_somewhere() -> None:
    every = itertools.product(
        EVENTS, QueueState, ("yes", "no"), ("yes", "no"), set(CEILINGS.values())
    )
    happens = [
        list(said)
        for said in every
        # Only an inflated queue can have lasted, and while it is inflated there is no step.
        if said[0] not in ("lasted", "step")
        or (said[0] == "lasted") == (said[1] is QueueState.INFLATED)
    ]
    assert {tuple(first_row(said)) for said in happens} == {tuple(row) for row in ROWS}
    assert {row[0] for row in ROWS} == set(EVENTS)
    assert {row[-1] for row in ROWS} == {*RateChange, "raise", "forget"}


def test_how_much_is_used_depends_on_the_ceiling() -> None:
    for ceiling, change in ((None, RateChange.RISE_FAST), (NEAR_KBPS, RateChange.KEEP)):
        rate = rate_with(QueueState.EMPTY, ceiling)
        share = (LIMITS.used_share + LIMITS.well_used_share) / 2
        assert rate.take(share * rate.kbps, False, NOW + 1) is change


@pytest.mark.parametrize(
    ("change", "queue", "ceiling", "limited", "factor"),
    [
        (RateChange.EASE, QueueState.HIGH, None, True, LIMITS.ease),
        (RateChange.KEEP, QueueState.HIGH, None, False, 1),
        (RateChange.RISE_SLOWLY, QueueState.LOW, NEAR_KBPS, False, 1 + LIMITS.slow_rise_per_s / 2),
        (RateChange.RISE, QueueState.EMPTY, NEAR_KBPS, False, 1 + LIMITS.empty_rise_per_s / 2),
        (RateChange.RISE_FAST, QueueState.EMPTY, None, False, LIMITS.fast_rise),
    ],
)
def test_what_a_step_changes(
    change: RateChange, queue: QueueState, ceiling: float | None, limited: bool, factor: float
) -> None:
    rate = rate_with(queue, ceiling)
    rate.take(0, False, NOW)
    before = rate.kbps
    assert rate.take(before, limited, NOW + 0.5) is change
    assert rate.kbps == pytest.approx(before * factor)


@pytest.mark.parametrize(
    ("delivered", "limited", "factor"),
    [
        (0.8, True, LIMITS.cut * 0.8),
        (0.1, True, LIMITS.largest_cut),
        (2.0, True, LIMITS.cut),
        (0.1, False, LIMITS.cut),
    ],
)
def test_what_a_cut_changes(delivered: float, limited: bool, factor: float) -> None:
    rate = rate_with(QueueState.INFLATED)
    rate.take(delivered * LIMITS.start_kbps, limited, NOW + 1)
    assert rate.kbps == pytest.approx(LIMITS.start_kbps * factor)
    assert rate.queue is not QueueState.INFLATED
    assert not rate.is_due(NOW + 1, BASE_RTT_S), "a cut is a step, too"


def test_inflation_has_to_last_and_a_step_waits_for_a_round_trip() -> None:
    inflated = rate_with(QueueState.INFLATED)
    assert not inflated.is_due(NOW + 0.49, BASE_RTT_S)
    assert inflated.is_due(NOW + 0.5, BASE_RTT_S)
    inflated.observe(0, NOW + 0.4)
    assert inflated.queue is not QueueState.INFLATED
    assert inflated.is_due(NOW + 0.41, BASE_RTT_S), "a step, which need not last"
    rate = rate_with(QueueState.EMPTY)
    rate.take(0, False, NOW)
    assert not rate.is_due(NOW + 0.19, BASE_RTT_S)
    assert rate.is_due(NOW + 0.21, BASE_RTT_S)
    assert not rate.is_due(NOW + 0.21, 0.25)
    assert rate.is_due(NOW + 0.26, 0.25)


def test_the_target_stays_within_its_bounds() -> None:
    rate = rate_with(QueueState.EMPTY)
    for step in range(10):
        rate.take(rate.kbps, False, NOW + step)
    assert rate.kbps == LIMITS.max_kbps
    assert rate.is_settled
    for second in range(20, 60):
        rate.observe(1, NOW + second)
        rate.take(0, True, NOW + second)
    assert rate.kbps == LIMITS.min_kbps
    assert not rate.is_settled


def test_what_is_measured_raises_the_target_and_lowers_it_never() -> None:
    free = rate_with(QueueState.EMPTY)
    assert not free.measured(LIMITS.start_kbps / 2)
    assert free.kbps == LIMITS.start_kbps
    assert free.measured(1.4 * LIMITS.start_kbps)
    assert free.kbps == 1.4 * LIMITS.start_kbps
    ceiling_kbps = 1.5 * LIMITS.start_kbps
    bounded = rate_with(QueueState.EMPTY, ceiling_kbps)
    assert bounded.measured(LIMITS.max_kbps)
    assert bounded.kbps == LIMITS.near_ceiling * ceiling_kbps


def test_of_another_path_neither_ceiling_nor_queue_is_known() -> None:
    rate = rate_with(QueueState.INFLATED, NEAR_KBPS)
    before = rate.kbps
    rate.moved()
    assert (rate.kbps, rate.queue) == (before, QueueState.EMPTY)
    assert rate.take(before, False, NOW + 1) is RateChange.RISE_FAST
