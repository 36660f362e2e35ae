"""The model of one direction, in virtual time."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.netlab.model import Conditions, Direction


# 1250 bytes take 10 ms at 1 Mbit/s.
def direction(**conditions: float | bool | None) -> Direction[int]:
    return Direction(Conditions(**conditions))  # type: ignore[arg-type]


def times(link: Direction[int], until: float = 1e9) -> dict[int, float]:
    return {packet: round(due, 9) for due, packet in link.take(until)}


def test_without_conditions_a_packet_passes_at_once() -> None:
    link = direction()
    assert link.next_at() is None
    assert link.send(5.0, 1, 1500)
    assert link.next_at() == 5.0
    assert link.take(5.0) == [(5.0, 1)]
    assert link.next_at() is None


def test_packets_are_serialised_and_then_fly() -> None:
    link = direction(rate_mbit=1, delay_ms=50)
    for packet in range(3):
        assert link.send(0.0, packet, 1250)
    assert link.next_at() == pytest.approx(0.06)
    assert link.take(0.059) == []
    assert times(link) == {0: 0.06, 1: 0.07, 2: 0.08}


def test_an_idle_link_saves_nothing_up() -> None:
    link = direction(rate_mbit=1)
    link.send(0.0, 0, 1250)
    link.send(10.0, 1, 1250)
    link.send(10.0, 2, 1250)
    assert times(link) == {0: 0.01, 1: 10.01, 2: 10.02}


def test_the_queue_drops_what_would_wait_too_long() -> None:
    link = direction(rate_mbit=1, queue_ms=25)
    # The packets would wait 0, 10, 20 and 30 ms.
    assert [link.send(0.0, packet, 1250) for packet in range(4)] == [True, True, True, False]
    assert link.queue_ms(0.0) == pytest.approx(30)
    assert link.queue_ms(0.005) == pytest.approx(25)
    assert link.send(0.0051, 4, 1250)
    assert link.counters.overflow_packets == link.counters.dropped_packets == 1
    assert link.counters.dropped_bytes == 1250


def test_a_new_rate_serves_the_queue() -> None:
    link = direction(rate_mbit=1)
    for packet in range(3):
        link.send(0.0, packet, 1250)
    link.set(0.005, Conditions(rate_mbit=0.5))  # half of the first packet is through
    assert link.queue_ms(0.005) == pytest.approx(50)
    assert times(link, 0.036) == {0: 0.015, 1: 0.035}
    link.set(0.036, Conditions())
    assert times(link) == {2: 0.036}


def test_a_shorter_delay_overtakes_nothing() -> None:
    link = direction(delay_ms=100)
    link.send(0.0, 0, 100)
    link.set(0.01, Conditions(delay_ms=10))
    link.send(0.01, 1, 100)
    link.send(0.2, 2, 100)
    assert times(link) == {0: 0.1, 1: 0.1, 2: 0.21}


def test_a_cut_loses_what_is_on_its_way() -> None:
    link = direction(rate_mbit=1, delay_ms=50)
    for packet in range(8):
        link.send(0.0, packet, 1250)
    assert times(link, 0.065) == {0: 0.06}
    link.set(0.065, Conditions(cut=True))
    assert link.next_at() is None
    assert not link.send(0.07, 8, 1250)
    assert link.counters.cut_packets == 8
    assert link.counters.dropped_bytes == 8 * 1250
    link.set(0.1, Conditions())
    link.send(0.1, 9, 1250)
    assert link.take(1.0) == [(0.1, 9)]


def test_loss_is_as_asked_and_the_same_each_time() -> None:
    def passed(seed: int) -> list[bool]:
        link = Direction[int](Conditions(loss=0.1), random.Random(seed))
        return [link.send(0.0, 0, 100) for _ in range(10_000)]

    assert passed(1) == passed(1) != passed(2)
    assert 900 < passed(1).count(False) < 1100


@given(
    sizes=st.lists(st.integers(20, 1500), min_size=1),
    changes=st.lists(
        st.tuples(
            st.floats(0, 0.1),
            st.builds(
                Conditions,
                rate_mbit=st.none() | st.floats(0.01, 100),
                delay_ms=st.floats(0, 500),
                jitter_ms=st.floats(0, 500),
            ),
        ),
        min_size=1,
    ),
)
def test_order_is_kept_whatever_happens(
    sizes: list[int], changes: list[tuple[float, Conditions]]
) -> None:
    link, now, got, sent = direction(queue_ms=1e9), 0.0, [], 0
    for pause, conditions in changes:
        for size in sizes:
            due = link.next_at()
            link.send(now, sent, size) or pytest.fail("dropped")
            assert due is None or link.next_at() == due, "a later packet changed an earlier one"
            sent += 1
        now += pause
        got += link.take(now)
        link.set(now, Conditions(conditions.rate_mbit, conditions.delay_ms, conditions.jitter_ms,
                                 queue_ms=1e9))  # fmt: skip
    while (due := link.next_at()) is not None:
        arrived = link.take(due)
        assert arrived, "next_at promised something"
        got += arrived
    assert [packet for _, packet in got] == list(range(sent))
    assert [due for due, _ in got] == sorted(due for due, _ in got)
    assert link.counters.carried_bytes == sum(sizes) * len(changes)


@pytest.mark.parametrize(
    "conditions",
    [{"rate_mbit": 0}, {"rate_mbit": float("nan")}, {"delay_ms": -1}, {"loss": 1.1}],
)
def test_nonsense_is_refused(conditions: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(conditions))):
        direction(**conditions)
