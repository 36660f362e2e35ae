"""Moments that are the same for all who wait."""

import asyncio
import itertools

import pytest

from fanlight_common.process import clock
from fanlight_common.process.ticks import next_tick, tick


def test_intervals_that_go_into_one_another_meet() -> None:
    now, quarters = 1000.1, list[float]()
    for _ in range(8):
        now = next_tick(now, 0.25)
        quarters.append(now)
    assert quarters == pytest.approx([1000.25 + 0.25 * n for n in range(8)])
    assert [next_tick(at, 1.0) for at in (1000.1, 1000.9)] == pytest.approx([1001.0, 1001.0])


def test_whoever_wakes_a_little_early_does_not_wake_for_the_same_moment_again() -> None:
    assert next_tick(1000.249, 0.25) == pytest.approx(1000.5)
    assert next_tick(1000.251, 0.25) == pytest.approx(1000.5)
    assert next_tick(1000.24, 0.25) == pytest.approx(1000.25)


async def test_ticks_come_one_after_the_other() -> None:
    began = clock.now_s()
    moments = [await tick(0.1) for _ in range(3)]
    steps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    # On a busy machine a moment may be missed.
    assert all(step == pytest.approx(0.1 * max(1, round(step / 0.1))) for step in steps)
    assert moments[0] > began
    async with asyncio.timeout(10):
        await asyncio.gather(tick(0.01), tick(0.02))
