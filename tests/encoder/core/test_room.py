"""Room: pictures are skipped only while every gateway that has reported lately has no room."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_encoder.core.room import MAX_GATEWAYS, RoomPolicy


def test_nobody_heard_is_room() -> None:
    assert RoomPolicy(3.0).has_room(0.0)
    assert RoomPolicy(3.0).silent_at() == 3.0


def test_one_with_room_is_enough() -> None:
    room = RoomPolicy(3.0)
    room.report("a", False, 0.0)
    assert not room.has_room(0.1)
    room.report("b", True, 0.2)
    assert room.has_room(0.3)
    room.report("b", False, 0.4)
    assert not room.has_room(0.5)


def test_a_report_counts_for_a_while() -> None:
    room = RoomPolicy(3.0)
    room.report("a", True, 0.0)
    room.report("b", False, 1.0)
    assert room.has_room(2.9)
    assert not room.has_room(3.0)
    assert room.silent_at() == 4.0
    assert room.has_room(4.0)


def test_the_least_rate_in_band_counts() -> None:
    room = RoomPolicy(3.0)
    assert room.least_kbps(0.0) is None
    room.report("fresh", True, 0.0, 1000, in_band=False)
    room.report("slow", True, 0.0, 400, in_band=False)
    assert room.least_kbps(0.1) == 400, "there is nobody else"
    room.report("fast", True, 1.0, 9000)
    room.report("able", True, 1.5, 3000)
    assert room.least_kbps(1.6) == 3000
    room.report("fresh", True, 3.0, 1000, in_band=False)
    room.report("idle", True, 3.0, 0)
    assert room.least_kbps(4.4) == 3000
    assert room.least_kbps(4.6) == 1000, "those in band were heard too long ago"


def test_invented_names_do_not_grow_it() -> None:
    room = RoomPolicy(3.0)
    room.report("first", True, 0.0)
    for number in range(MAX_GATEWAYS):
        room.report(f"g{number}", False, 0.0)
    assert not room.has_room(0.0), "the oldest report was to be forgotten"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 2)), max_size=30),
    st.floats(0, 5),
)
def test_it_is_what_it_says(words: list[tuple[str, bool, float]], later: float) -> None:
    room, now, last = RoomPolicy(3.0), 0.0, dict[str, tuple[float, bool]]()
    for gateway, has, step in words:
        now += step
        room.report(gateway, has, now)
        last[gateway] = (now, has)
    now += later
    # This is a sum, because a difference of the same numbers may be rounded to the other side of 3.
    counting = [has for at, has in last.values() if now < at + 3.0]
    assert room.has_room(now) == (not counting or any(counting))
    assert room.has_room(room.silent_at())
