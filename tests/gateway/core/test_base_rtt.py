"""The base RTT is the least round trip of the last minute, of units and of the viewer's pings."""

from fanlight_gateway.core.base_rtt import BUCKETS, UNMEASURED_S, BaseRtt

OVER_S = 60.0
BUCKET_S = OVER_S / BUCKETS


def test_before_the_first_answer_it_is_a_guess() -> None:
    base = BaseRtt(OVER_S)
    assert (base.floor_s, base.is_known, base.is_measured) == (UNMEASURED_S, False, False)


def test_a_ping_makes_it_known_and_a_unit_makes_it_measured() -> None:
    base = BaseRtt(OVER_S)
    assert base.note_ping(0.02, 0)
    assert (base.floor_s, base.is_known, base.is_measured) == (0.02, True, False)
    assert not base.note_ping(0.02, 1), "nothing has changed"
    assert base.note_unit(0.05, 1)
    assert (base.floor_s, base.is_measured) == (0.02, True)


def test_the_least_of_units_and_pings_counts() -> None:
    base = BaseRtt(OVER_S)
    assert base.note_unit(0.05, 0)
    assert not base.note_unit(0.06, 1), "a longer round trip changes nothing"
    assert base.note_unit(0.04, 2)
    assert base.floor_s == 0.04
    base.note_ping(0.03, 3)
    assert base.floor_s == 0.03
    base.note_ping(0.5, 4)
    assert base.floor_s == 0.04, "the newest ping replaces the one before"


def test_a_path_that_has_become_longer_is_noticed_within_a_minute() -> None:
    base = BaseRtt(OVER_S)
    base.note_unit(0.02, 0)
    floors = {}
    for second in range(1, 100):
        base.note_unit(0.08, second)
        floors[second] = base.floor_s
    assert floors[int(OVER_S - BUCKET_S)] == 0.02
    assert floors[int(OVER_S + BUCKET_S)] == 0.08


def test_what_is_forgotten_does_not_come_back_by_an_old_ping() -> None:
    base = BaseRtt(OVER_S)
    base.note_ping(0.02, 0)
    base.note_unit(0.02, 0)
    base.forget(10)
    assert (base.floor_s, base.is_known) == (UNMEASURED_S, False)
    assert not base.note_ping(0.02, 10 + OVER_S - 1), "the viewer still tells the old path's floor"
    base.note_unit(0.08, 11)
    assert base.floor_s == 0.08
    assert base.note_ping(0.07, 10 + OVER_S)
    assert base.floor_s == 0.07
