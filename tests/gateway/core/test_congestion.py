"""What a path carries: simulated links in virtual time, and the rules one by one.

The links are those of tests/netlab/model.py, the very model that the laboratory puts real packets
through. Time here is simulated, so its assertions are exact, not timed.
"""

import copy
import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanlight_gateway.core.base_rtt import UNMEASURED_MS
from fanlight_gateway.core.congestion import (
    MIN_WINDOW_BYTES,
    PROMPT_EACH_MS,
    RELAXED_MS,
    Congestion,
)
from fanlight_gateway.core.unit import Sent
from tests.gateway.simulation import CONGESTION, Simulation, clip, typing
from tests.netlab.model import Conditions


def link(rate_mbit: float | None, rtt_ms: float, **more: float) -> Simulation:
    """A viewer of a clip behind this link, its queue 500 ms."""
    return Simulation(
        Conditions(rate_mbit=rate_mbit, delay_ms=rtt_ms / 2, **more),
        Conditions(rate_mbit=rate_mbit, delay_ms=rtt_ms / 2),
        clip(),
    )


@pytest.mark.parametrize(
    ("rate", "rtt"), [(5, 60), (2, 100), (1, 200), (0.5, 200), (10, 20), (3, 300)]
)
def test_a_clip_fills_a_link_and_its_picture_stays_fresh(rate: float, rtt: float) -> None:
    s = link(rate, rtt)
    s.run(30)
    floor = rtt / 2 + 1000 / s.fps
    assert s.p95(5) < floor + 200
    assert s.median(5) < floor + 100
    assert s.sent_bytes * 8 / s.now_ms > 0.6 * rate * 1000, "the link is made use of"
    assert s.idrs == 1
    assert not s.drops
    queue = sorted(queue for at, queue in s.queues_ms if at > 5000)
    assert queue[len(queue) // 2] < 60


@pytest.mark.parametrize(("rate", "rtt"), [(5, 60), (2, 100), (1, 200), (0.5, 200)])
def test_typing_costs_the_way_there_and_nothing_else(rate: float, rtt: float) -> None:
    s = link(rate, rtt)
    s.size = typing
    s.run(20)
    assert s.p95(5) < rtt / 2 + 1000 / s.fps + 30
    assert not s.drops


def test_without_a_limit_the_rate_is_the_ceiling_within_two_seconds() -> None:
    s = link(None, 2)
    s.run(5)
    assert dict(s.targets_kbps)[2000] == CONGESTION.max_kbps
    assert s.skipped == 0


def test_packet_loss_is_no_queue() -> None:
    s = link(5, 60, loss=0.05)
    s.run(30)
    assert s.sent_bytes * 8 / s.now_ms > 2000
    assert s.median(5) < 200


def test_jitter_is_no_queue_either() -> None:
    s = link(5, 60, jitter_ms=30)
    s.run(30)
    assert s.sent_bytes * 8 / s.now_ms > 3500
    assert s.p95(5) < 250


def test_a_step_down_is_followed_and_the_step_up_too() -> None:
    s = link(20, 60)
    s.run(10)
    s.change(Conditions(rate_mbit=0.5, delay_ms=30))
    s.run(20)
    # What was on its way then, 120 kB, is TCP's, and takes two seconds and more at this rate.
    assert s.p95(15) < 400, "five seconds after the rate fell to a fortieth"
    s.change(Conditions(rate_mbit=20, delay_ms=30))
    s.run(10)
    assert s.p95(32) < 150
    assert s.targets_kbps[-1][1] > 8000
    assert s.idrs <= 2


def test_bursts_of_wifi_cost_only_their_own_time() -> None:
    s = link(10, 20)
    for _ in range(20):
        s.run(0.9)
        s.change(Conditions(rate_mbit=0.2, delay_ms=10))  # somebody's microwave
        s.run(0.1)
        s.change(Conditions(rate_mbit=10, delay_ms=10))
    assert s.median(5) < 100
    assert s.p95(5) < 300


def test_a_tunnel_of_ten_seconds() -> None:
    s = link(5, 60)
    s.run(10)
    s.change(Conditions(rate_mbit=0.0001, delay_ms=30, queue_ms=100))
    s.run(10)
    sent = s.sent_bytes
    s.change(Conditions(rate_mbit=5, delay_ms=30))
    s.run(2)
    assert s.ages_ms[-1][1] < 300, "two seconds after the link came back"
    assert sent < 10_000_000
    s.run(10)
    assert s.p95(24) < 250


@pytest.mark.parametrize(("rtt_ms", "share"), [(1, 0.4), (10, 0.4), (30, 0.6)])
def test_with_plenty_of_room_most_acknowledgements_wait(rtt_ms: float, share: float) -> None:
    s = link(100, rtt_ms)
    s.fps, s.size = 60, clip(60, ceiling_kbps=9600)
    s.run(10)
    before = s.acks
    s.run(10)
    assert s.acks - before < 2 * 60 * 10 * share, "two for each unit, a receipt and a paint"
    assert not s.drops
    assert s.skipped == 0


@pytest.mark.parametrize("rate_mbit", [0.7, 3])
def test_a_path_with_room_that_becomes_narrow_is_noticed_as_soon(rate_mbit: float) -> None:
    s = link(100, 20)
    s.run(10)
    s.change(Conditions(rate_mbit=rate_mbit, delay_ms=10, queue_ms=500))
    s.run(4)
    after = s.acks, s.sent_bytes
    s.run(10)
    assert s.acks > after[0] + 100, "all are prompt again"
    assert s.p95(15) < 400
    assert s.sent_bytes - after[1] < 1.1 * rate_mbit * 125_000 * 10


def test_a_longer_path_is_learnt_within_seconds() -> None:
    """A floor that is too low makes every answer look late: Wi-Fi to LTE, a VPN that moved."""
    s = link(20, 20)
    s.run(10)
    s.congestion.note_ping_rtt(20, s.now_ms)
    s.change(Conditions(rate_mbit=20, delay_ms=80))
    for _ in range(20):
        s.run(0.5)
        s.congestion.note_ping_rtt(20, s.now_ms)  # the viewer's floor is of the last minute
    assert s.congestion.base_rtt_ms > 80
    assert s.targets_kbps[-1][1] > 8000
    s.run(10)
    assert s.p95(20) < 250


def test_a_longer_path_does_not_hold_typing_up() -> None:
    s = link(20, 20)
    s.size = typing
    s.run(5)
    s.change(Conditions(rate_mbit=20, delay_ms=150))
    s.run(20)
    assert s.p95(10) < 150 + 1000 / s.fps + 30


def test_acknowledgements_that_never_come_are_given_up() -> None:
    p = Path()
    for n in range(10):
        p.trip(500, n * 100.0, 20)
    for _ in range(50):
        p.send(1000, 1000)
    for now in range(1000, 9000, 100):
        p.path.tick(now)
    assert p.path.in_flight_bytes == 0
    assert p.path.has_room(0, 9000)


class Path:
    """A Congestion with hands on it."""

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


def test_before_anything_is_known() -> None:
    path = Path().path
    assert path.base_rtt_ms == UNMEASURED_MS
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
    p.trip(100, 0, 50)
    window = 8000 / 8 * (50 + 50)
    p.send(int(window) - 1, 100)
    assert p.path.has_room(0, 100)
    p.send(1, 100)
    assert not p.path.has_room(0, 100)
    low = Path(start_kbps=300)
    low.trip(100, 0, 1)
    low.send(MIN_WINDOW_BYTES - 1, 100)
    assert low.path.has_room(0, 100)


def test_a_unit_that_is_overdue_stops_everything_until_it_is_acknowledged() -> None:
    p = Path(start_kbps=8000)
    p.trip(100, 0, 50)
    sequence = p.send(1000, 100)
    due = 100 + 50 + 1 + 50  # base RTT, its own millisecond, the allowance
    assert p.path.has_room(0, due)
    assert not p.path.has_room(0, due + 1)
    p.path.acked(1, sequence, due + 1)
    assert p.path.has_room(0, due + 1)


def test_an_acknowledgement_of_what_was_not_sent_says_nothing() -> None:
    p = Path()
    p.send(1000, 0)
    p.path.acked(1, 99, 10)
    p.path.acked(2, 1, 10)
    assert p.path.in_flight_bytes == 1000
    p.path.acked(1, 1, 10)
    p.path.acked(1, 1, 11)
    assert p.path.in_flight_bytes == 0


def test_the_viewers_own_floor_counts_where_units_are_all_large() -> None:
    p = Path()
    p.path.note_ping_rtt(20, 0)
    p.trip(50_000, 0, 400)
    assert p.path.base_rtt_ms == 20


def test_a_large_unit_alone_measures_the_path() -> None:
    p = Path()
    p.trip(100, 0, 20)
    p.trip(100_000, 1000, 20 + 80)  # 10 Mbit/s
    assert 7500 < p.path.target_kbps < 10_000


def test_silence_is_an_answer_too() -> None:
    p = Path(start_kbps=8000)
    for n in range(5):
        p.trip(20_000, n * 20.0, 20)
    before = p.path.target_kbps
    p.send(20_000, 200)
    for now in range(200, 2000, 100):
        p.path.tick(now)
    assert p.path.target_kbps < before
    assert p.path.inflation_ms > 1000


class Roomy(Path):
    """A path that has shown that it carries the most."""

    def __init__(self) -> None:
        super().__init__(start_kbps=CONGESTION.max_kbps)
        assert not self.sent(100, 0, True).relaxed, "nothing is known of it"
        self.path.acked(1, 1, 10)

    def sent(self, size: int, now: float, may_relax: bool = True) -> Sent:
        number = next(self._sequence)
        return self.path.sent(1, number, False, size, now, may_relax)


def test_an_acknowledgement_may_wait_only_where_there_is_nothing_to_learn() -> None:
    lesser = Path()
    lesser.trip(100, 0, 10)
    assert not lesser.path.sent(1, 9, False, 100, 20, True).relaxed
    p = Roomy()
    assert p.sent(100, 20).relaxed
    assert not p.sent(100, 20, may_relax=False).relaxed, "the browser does not keep up"
    queued = Roomy()
    for now in range(20, 400, 20):
        queued.trip(100, now, 200)
    assert queued.path.target_kbps == CONGESTION.max_kbps
    assert not queued.sent(100, 401).relaxed


def test_every_so_often_and_when_much_is_on_its_way_one_may_not() -> None:
    p = Roomy()
    assert [p.sent(10, now).relaxed for now in (0, PROMPT_EACH_MS - 1, PROMPT_EACH_MS)] == [
        True,
        True,
        False,
    ]
    size = round(p.path.window_bytes / 6)
    for relaxed in (True, True, True, False, False):
        assert p.path.has_room(0, PROMPT_EACH_MS + 1)
        assert p.sent(size, PROMPT_EACH_MS + 1).relaxed == relaxed


def test_one_that_waited_tells_what_was_delivered_and_nothing_of_the_way() -> None:
    p = Roomy()
    p.sent(1000, 20)
    p.path.acked(1, 2, 100)
    assert p.path.in_flight_bytes == 0
    assert p.path.delivered_kbps(100) == (1000 + 100) * 8 / CONGESTION.delivered_over_ms
    assert (p.path.base_rtt_ms, p.path.inflation_ms) == (10, 0)


def test_a_prompt_one_before_it_tells() -> None:
    p = Roomy()
    now = PROMPT_EACH_MS
    assert not p.sent(100, now).relaxed
    p.sent(100, now + 1)
    p.path.acked(1, 3, now + 10 + 50)
    assert 45 < p.path.inflation_ms < 55


def test_what_may_wait_is_late_only_after_that_and_hides_nobody() -> None:
    p = Roomy()
    p.sent(1000, 20)
    for now in (20, 20 + RELAXED_MS):
        p.path.tick(now)
        assert p.path.has_room(0, now)
        assert p.path.inflation_ms == 0
    p.path.tick(220)
    assert p.path.inflation_ms > 50
    assert not p.path.has_room(0, 220)
    hidden = Roomy()
    hidden.sent(1000, PROMPT_EACH_MS - 1)
    assert not hidden.sent(1000, PROMPT_EACH_MS).relaxed
    hidden.path.tick(PROMPT_EACH_MS + 10 + 40)
    assert hidden.path.inflation_ms > 30


def test_what_was_delivered_is_remembered_no_longer_than_it_counts() -> None:
    p = Roomy()
    for number in range(2, 10_000):
        now = 20.0 * number
        p.sent(1000, now)
        p.path.acked(1, number, now + 10)
    assert p.path.is_calm, "so nobody asks how much it was"
    assert len(p.path._delivered) <= CONGESTION.delivered_over_ms / 20 + 1
    assert p.path.delivered_kbps(now + 10) == pytest.approx(400, rel=0.1)


def test_a_unit_is_overdue_when_its_answer_should_have_come() -> None:
    p = Roomy()
    assert not p.path.is_overdue(1e6), "nothing is on its way"
    p.sent(2000, 20)  # a millisecond at the target; it may wait
    assert not p.path.is_overdue(20 + 10 + 1 + RELAXED_MS)
    assert p.path.is_overdue(20 + 10 + 1 + RELAXED_MS + 1)
    now = PROMPT_EACH_MS
    assert not p.sent(2000, now).relaxed
    p.sent(2000, now + 1)
    assert not p.path.is_overdue(now + 10 + 2), "its own millisecond, and that of the one before"
    assert p.path.is_overdue(now + 10 + 3), "behind one that may wait"
    p.path.acked(1, 3, now + 13)
    assert not p.path.is_overdue(now + 14)


@settings(deadline=None)  # how long an example takes is the machine's load
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
    now, sent, acked = 20.0, 1, 1
    for pause, size, answers in events:
        now += pause
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


def known(path: Congestion) -> dict[str, object]:
    """All that decides, which is all but when it was looked at and what lies too far back."""
    found = dict(vars(path))
    for name in ("_stepped_at", "_delivered"):
        del found[name]
    found["_base"] = vars(path._base)
    return found
