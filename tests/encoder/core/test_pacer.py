"""The rate holds, and jitter costs no waiting."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_encoder.core.pacer import TOLERANCE, Pacer


def test_the_first_may_go_at_once() -> None:
    assert Pacer(60).due_at < 0


@given(st.lists(st.floats(-0.008, 0.008), min_size=2, max_size=200))
def test_a_source_of_the_same_rate_never_waits(jitter: list[float]) -> None:
    pacer = Pacer(60)
    for number, off in enumerate(jitter):
        now = 1 + number / 60 + off
        assert now >= pacer.due_at
        pacer.encoded(now)


def test_a_source_that_is_a_little_faster_never_waits() -> None:
    pacer = Pacer(60)
    for number in range(10_000):
        now = 1 + number / 60.2
        assert now >= pacer.due_at
        pacer.encoded(now)


@given(st.lists(st.floats(0, 0.05), min_size=1, max_size=300))
def test_no_second_holds_more_than_the_rate(steps: list[float]) -> None:
    pacer, now, times = Pacer(60), 0.0, []
    for step in steps:
        now = max(now + step, pacer.due_at)
        pacer.encoded(now)
        times.append(now)
    for first in times:
        # It may be one more than the rate says, because one picture may come early.
        assert sum(first <= at < first + 1 for at in times) <= 60 * TOLERANCE + 2
