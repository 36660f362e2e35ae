"""What is learnt of a path, over simulated links in virtual time. test_congestion has the rules.

The links are those of tests/netlab/model.py, the very model that the laboratory puts real packets
through. Time here is simulated, so its assertions are exact, not timed.
"""

import pytest

from tests.gateway.simulation import CONGESTION, Simulation, clip, typing
from tests.netlab.model import Conditions


def link(rate_mbit: float | None, rtt_ms: float, **more: float) -> Simulation:
    """Return a viewer of a clip behind this link, whose queue holds 500 ms."""
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
    # When the rate fell, 120 kB were on their way. TCP delivers them all, which takes more than two
    # seconds at this rate.
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
    """A floor that is too low makes every answer look late. This happens when a viewer goes from
    Wi-Fi to LTE, or when a VPN takes another path."""
    s = link(20, 20)
    s.run(10)
    s.congestion.note_ping_rtt(0.02, s.now_ms / 1000)
    s.change(Conditions(rate_mbit=20, delay_ms=80))
    for _ in range(20):
        s.run(0.5)
        # The viewer still reports the old floor, because its floor is of the last minute.
        s.congestion.note_ping_rtt(0.02, s.now_ms / 1000)
    assert s.congestion.base_rtt_s > 0.08
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
