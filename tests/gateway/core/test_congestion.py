"""What is learnt of a path, rule by rule. test_congestion_on_links simulates whole links."""

import copy
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanlight_gateway.core.base_rtt import UNMEASURED_S
from fanlight_gateway.core.congestion import (
    MIN_WINDOW_BYTES,
    PROMPT_EACH_S,
    RELAXED_S,
    Congestion,
)
from fanlight_gateway.core.unit import Sent
from tests.gateway.simulation import CONGESTION

MS = 0.001
ROUNDING = 1e-6
"""Seconds: more than what is lost in rounding, and less than what matters."""


class Path:
    """A Congestion to which a test sends units and acknowledgements by hand."""

    def __init__(self, **limits: float) -> None:
        self.path = Congestion(replace(CONGESTION, **limits))
        self._sequence = itertools.count(1)

    def send(self, size: int, now: float) -> int:
        sequence = next(self._sequence)
        self.path.sent(1, sequence, False, size, now)
        return sequence

    def trip(self, size: int, now: float, rtt: float) -> None:
        self.path.acked(1, self.send(size, now), now + rtt)
        self.path.tick(now + rtt)


def test_acknowledgements_that_never_come_are_given_up() -> None:
    p = Path()
    for n in range(10):
        p.trip(500, n * 0.1, 0.02)
    for _ in range(50):
        p.send(1000, 1.0)
    for tenth in range(10, 90):
        p.path.tick(tenth / 10)
    assert p.path.in_flight_bytes == 0
    assert p.path.has_room(0, 9)


def test_before_anything_is_known() -> None:
    path = Path().path
    assert path.base_rtt_s == UNMEASURED_S
    assert path.has_room(0, 0)
    assert not path.has_room(1 << 20, 0)
    assert path.target_kbps == CONGESTION.start_kbps


def test_one_unit_of_any_size_may_go_when_nothing_is_on_its_way() -> None:
    p = Path(in_flight_bytes=1000)
    assert p.path.has_room(0, 0)
    p.send(100_000, 0)
    assert not p.path.has_room(0, 0)


def test_the_window_is_what_the_path_carries_in_its_base_rtt_and_the_allowance() -> None:
    p = Path(start_kbps=8000)
    p.trip(100, 0, 0.05)
    window = 8_000_000 / 8 * (0.05 + 0.05)
    p.send(int(window) - 1, 0.1)
    assert p.path.has_room(0, 0.1)
    p.send(1, 0.1)
    assert not p.path.has_room(0, 0.1)
    low = Path(start_kbps=300)
    low.trip(100, 0, MS)
    low.send(MIN_WINDOW_BYTES - 1, 0.1)
    assert low.path.has_room(0, 0.1)


def test_a_unit_that_is_overdue_stops_everything_until_it_is_acknowledged() -> None:
    p = Path(start_kbps=8000)
    p.trip(100, 0, 0.05)
    sequence = p.send(1000, 0.1)
    due = 0.1 + 0.05 + MS + 0.05  # base RTT, the unit's own millisecond, the allowance
    assert p.path.has_room(0, due - ROUNDING)
    assert not p.path.has_room(0, due + ROUNDING)
    p.path.acked(1, sequence, due + ROUNDING)
    assert p.path.has_room(0, due + ROUNDING)


def test_an_acknowledgement_of_what_was_not_sent_says_nothing() -> None:
    p = Path()
    p.send(1000, 0)
    p.path.acked(1, 99, 0.01)
    p.path.acked(2, 1, 0.01)
    assert p.path.in_flight_bytes == 1000
    p.path.acked(1, 1, 0.01)
    p.path.acked(1, 1, 0.011)
    assert p.path.in_flight_bytes == 0


def test_the_viewers_own_floor_counts_where_units_are_all_large() -> None:
    p = Path()
    p.path.note_ping_rtt(0.02, 0)
    p.trip(50_000, 0, 0.4)
    assert p.path.base_rtt_s == 0.02


def test_a_large_unit_alone_measures_the_path() -> None:
    p = Path()
    p.trip(100, 0, 0.02)
    p.trip(100_000, 1, 0.02 + 0.08)  # 10 Mbit/s
    assert 7500 < p.path.target_kbps < 10_000


def test_silence_is_an_answer_too() -> None:
    p = Path(start_kbps=8000)
    for n in range(5):
        p.trip(20_000, n * 0.02, 0.02)
    before = p.path.target_kbps
    p.send(20_000, 0.2)
    for tenth in range(2, 20):
        p.path.tick(tenth / 10)
    assert p.path.target_kbps < before
    assert p.path.inflation_s > 1


class Roomy(Path):
    """A path that has shown that it carries the highest target."""

    def __init__(self) -> None:
        super().__init__(start_kbps=CONGESTION.max_kbps)
        assert not self.sent(100, 0, True).relaxed, "nothing is known of it"
        self.path.acked(1, 1, 0.01)

    def sent(self, size: int, now: float, may_relax: bool = True) -> Sent:
        number = next(self._sequence)
        return self.path.sent(1, number, False, size, now, may_relax)


def test_an_acknowledgement_may_wait_only_where_there_is_nothing_to_learn() -> None:
    lesser = Path()
    lesser.trip(100, 0, 0.01)
    assert not lesser.path.sent(1, 9, False, 100, 0.02, True).relaxed
    p = Roomy()
    assert p.sent(100, 0.02).relaxed
    assert not p.sent(100, 0.02, may_relax=False).relaxed, "the browser does not keep up"
    queued = Roomy()
    for now_ms in range(20, 400, 20):
        queued.trip(100, now_ms / 1000, 0.2)
    assert queued.path.target_kbps == CONGESTION.max_kbps
    assert not queued.sent(100, 0.401).relaxed


def test_every_so_often_and_when_much_is_on_its_way_one_may_not() -> None:
    p = Roomy()
    assert [p.sent(10, now).relaxed for now in (0, PROMPT_EACH_S - MS, PROMPT_EACH_S)] == [
        True,
        True,
        False,
    ]
    size = round(p.path.window_bytes / 6)
    for relaxed in (True, True, True, False, False):
        assert p.path.has_room(0, PROMPT_EACH_S + MS)
        assert p.sent(size, PROMPT_EACH_S + MS).relaxed == relaxed


def test_one_that_waited_tells_what_was_delivered_and_nothing_of_the_way() -> None:
    p = Roomy()
    p.sent(1000, 0.02)
    p.path.acked(1, 2, 0.1)
    assert p.path.in_flight_bytes == 0
    assert p.path.delivered_kbps(0.1) == (1000 + 100) * 8 / 1000 / CONGESTION.delivered_over_s
    assert (p.path.base_rtt_s, p.path.inflation_s) == (0.01, 0)


def test_a_prompt_one_before_it_tells() -> None:
    p = Roomy()
    now = PROMPT_EACH_S
    assert not p.sent(100, now).relaxed
    p.sent(100, now + MS)
    p.path.acked(1, 3, now + 0.01 + 0.05)
    assert 0.045 < p.path.inflation_s < 0.055


def test_what_may_wait_is_late_only_after_that_and_hides_nobody() -> None:
    p = Roomy()
    p.sent(1000, 0.02)
    for now in (0.02, 0.02 + RELAXED_S):
        p.path.tick(now)
        assert p.path.has_room(0, now)
        assert p.path.inflation_s == 0
    p.path.tick(0.22)
    assert p.path.inflation_s > 0.05
    assert not p.path.has_room(0, 0.22)
    hidden = Roomy()
    hidden.sent(1000, PROMPT_EACH_S - MS)
    assert not hidden.sent(1000, PROMPT_EACH_S).relaxed
    hidden.path.tick(PROMPT_EACH_S + 0.01 + 0.04)
    assert hidden.path.inflation_s > 0.03


def test_what_was_delivered_is_remembered_no_longer_than_it_counts() -> None:
    p = Roomy()
    for number in range(2, 10_000):
        now = 0.02 * number
        p.sent(1000, now)
        p.path.acked(1, number, now + 0.01)
    assert p.path.is_calm, "so nobody asks how much it was"
    assert len(p.path._delivered) <= CONGESTION.delivered_over_s / 0.02 + 1
    assert p.path.delivered_kbps(now + 0.01) == pytest.approx(400, rel=0.1)


def test_a_unit_is_overdue_when_its_answer_should_have_come() -> None:
    p = Roomy()
    assert not p.path.is_overdue(1e6), "nothing is on its way"
    p.sent(2000, 0.02)  # a millisecond at the target; its acknowledgement may wait
    due = 0.02 + 0.01 + MS + RELAXED_S
    assert not p.path.is_overdue(due - ROUNDING)
    assert p.path.is_overdue(due + ROUNDING)
    now = PROMPT_EACH_S
    assert not p.sent(2000, now).relaxed
    p.sent(2000, now + MS)
    due = now + 0.01 + 2 * MS
    assert not p.path.is_overdue(due - ROUNDING), "its own millisecond, and that of the one before"
    assert p.path.is_overdue(due + ROUNDING), "behind one that may wait"
    p.path.acked(1, 3, now + 0.013)
    assert not p.path.is_overdue(now + 0.014)


@settings(deadline=None)  # because an example takes longer on a loaded machine
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 5, 16, 16, 16, 50, 200]),
            st.sampled_from([0, 100, 5000, 20_000]),
            st.integers(0, 8),
        ),
        max_size=80,
    )
)
def test_a_calm_path_on_which_nothing_is_overdue_needs_no_tick(
    events: list[tuple[int, int, int]],
) -> None:
    p = Roomy()
    now, sent, acked = 0.02, 1, 1
    for pause_ms, size, answers in events:
        now += pause_ms / 1000
        if size and p.path.has_room(0, now):
            p.sent(size, now)
            sent += 1
        elif answers:
            acked = min(sent, acked + answers)
            p.path.acked(1, acked, now)
        if p.path.is_calm and not p.path.is_overdue(now):
            twin = copy.deepcopy(p.path)
            twin.tick(now)
            assert known(twin) == known(p.path)
        else:
            p.path.tick(now)


def known(path: Congestion) -> dict[str, Any]:
    """Return all that decides: everything but when it was looked at, and what is long past."""
    found = dict(vars(path))
    del found["_delivered"]
    found["_base"] = vars(path._base)
    found["_rate"] = dict(vars(path._rate))
    del found["_rate"]["_stepped_at"]
    return found
