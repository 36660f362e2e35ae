"""Subscriptions as demand."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_capture.core.demand import Demand

TOPICS = (b"frame/main/shm/", b"frame/main/pixels/", b"events/main/")


def test_subscriptions_come_and_go() -> None:
    demand = Demand(TOPICS)
    assert not demand.wants(TOPICS[0])
    assert demand.update(b"\x01frame/main/shm/") == (TOPICS[0],)
    # The outlet reports the second subscriber, too, because it is verbose.
    assert demand.update(b"\x01frame/main/shm/") == (TOPICS[0],)
    assert demand.wants(TOPICS[0])
    assert not demand.wants(TOPICS[1])
    assert demand.update(b"\x00frame/main/shm/") == ()
    assert not demand.wants(TOPICS[0])


def test_a_prefix_is_demand_for_all_below_it() -> None:
    demand = Demand(TOPICS)
    assert demand.update(b"\x01frame/") == TOPICS[:2]
    assert demand.wants(TOPICS[0])
    assert demand.wants(TOPICS[1])
    assert not demand.wants(TOPICS[2])


@given(st.binary(max_size=30))
def test_anything_else_harms_nothing(message: bytes) -> None:
    demand = Demand(TOPICS)
    demand.update(message)
    demand.update(b"\x01frame/other/shm/")
    if message[:1] != b"\x01":
        assert not any(demand.wants(topic) for topic in TOPICS)
