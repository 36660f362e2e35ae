"""The figures that are made of the meter's samples."""

import pytest

from bench.age import barcode, figures


def test_ages_of_samples() -> None:
    samples = [(1000.0 + 10 * i, 1000.0 + 10 * i - (50 if i < 95 else 500)) for i in range(101)]
    ages = figures.ages(samples)
    assert (ages.median_ms, ages.p95_ms, ages.p99_ms, ages.max_ms) == (50, 500, 500, 500)
    assert ages.readings_per_s == 101
    assert ages.pictures_per_s == 100
    assert ages.readable == 1
    assert len(ages.percentiles_ms) == 101
    assert ages.percentiles_ms[0] == 50
    assert ages.percentiles_ms[100] == 500


def test_a_reading_without_a_clock_has_no_age() -> None:
    ages = figures.ages([(1000.0, -1), (1010.0, 1000.0), (1020.0, 1000.0), (1030.0, -1)])
    assert (ages.median_ms, ages.max_ms, ages.readable) == (20, 20, 0.5)
    assert ages.pictures_per_s == 0


def test_no_clock_at_all() -> None:
    with pytest.raises(ValueError, match="no clock was read in any of 2 readings"):
        figures.ages([(1000.0, -1), (1010.0, -1)])


def test_a_plain_row_is_no_clock() -> None:
    for ms in (0, 255, (1 << 24) - 1, 1 << 24):
        assert len(set(barcode.cells(ms))) == 2
    assert barcode.cells(5) == barcode.cells(5 + barcode.PERIOD_MS)
