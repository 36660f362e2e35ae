"""The laboratory has the rate, delay, loss and queue that were asked for.

These tests assert times, because times are what they are about. Packets are never early, not at
all. How late they may be is generous, because on a busy machine it is the test's receiver that runs
late.
"""

import socket
import statistics
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.netlab.lab import Lab
from tests.netlab.model import Conditions
from tests.netlab.probes import goodput_mbit, probes, tcp
from tests.netlab.trace import Step

pytestmark = pytest.mark.alone
SLACK_MS = 25
PAYLOAD = 1448 / 1500
"""The payload's part of a full packet of TCP with time stamps."""

Open = Callable[..., Lab]


def wait_until(condition: Callable[[], object], limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)


@pytest.mark.parametrize("up", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("rate_mbit", [1, 20])
def test_rate(netlab: Open, rate_mbit: float, up: bool) -> None:
    # Cubic fills the queue, whereas bbr pauses now and then to see how long the link is.
    lab = netlab(delay_ms=10, congestion="cubic")
    (lab.set_up if up else lab.set_down)(rate_mbit=rate_mbit)
    with tcp(lab) as (near, far):
        source, sink = (far, near) if up else (near, far)
        measured = goodput_mbit(source, sink, warm_s=1, for_s=3)
    asked = rate_mbit * PAYLOAD
    assert 0.85 * asked < measured < 1.1 * asked
    reading = lab.read().up if up else lab.read().down
    assert reading.carried_bytes <= 1500 * reading.carried_packets


@pytest.mark.parametrize("up", [False, True], ids=["down", "up"])
def test_delay(netlab: Open, up: bool) -> None:
    lab = netlab(delay_ms=50)
    with probes(lab, up=up) as sent:
        sent.send(50, every_s=0.01)
        sent.wait(50)
        assert min(sent.delays_ms) >= 50
        assert statistics.median(sent.delays_ms) < 50 + SLACK_MS
        (lab.set_up if up else lab.set_down)(delay_ms=120)
        sent.send(20, every_s=0.01)
        sent.wait(70)
        assert min(sent.delays_ms[50:]) >= 120
        assert statistics.median(sent.delays_ms[50:]) < 120 + SLACK_MS


def test_jitter_keeps_the_order(netlab: Open) -> None:
    with probes(netlab(delay_ms=20, jitter_ms=100)) as sent:
        sent.send(60, every_s=0.01)
        sent.wait(60)
    assert sent.numbers == sorted(sent.numbers)
    assert min(sent.delays_ms) >= 20
    assert max(sent.delays_ms) - min(sent.delays_ms) > 40


def test_loss(netlab: Open) -> None:
    lab = netlab(loss=0.05)
    with probes(lab) as sent:
        for _ in range(40):
            sent.send(100)
            time.sleep(0.005)  # the receiver's socket has no room for all 4000 at once
        wait_until(lambda: lab.read().down.carried_packets + lab.read().down.lost_packets == 4000)
        lost = lab.read().down.lost_packets
        sent.wait(4000 - lost)
    # This is five standard deviations, and the seed makes the loss the same each time.
    assert 200 - 70 < lost < 200 + 70
    assert lab.read().up.carried_packets == 0


def test_a_full_queue_adds_its_length_to_the_delay(netlab: Open) -> None:
    lab = netlab(rate_mbit=2, delay_ms=20, queue_ms=200)
    with probes(lab) as sent:
        sent.send(200, size_bytes=1000)  # 4 ms each
        wait_until(lambda: (r := lab.read().down).carried_packets + r.overflow_packets == 200)
        reading = lab.read().down
        sent.wait(reading.carried_packets)
    assert reading.overflow_packets > 0
    assert 20 + 200 - 4 < max(sent.delays_ms) < 20 + 200 + 8 + 2 * SLACK_MS
    assert reading.queue_ms == 0


def test_a_higher_rate_frees_the_queue(netlab: Open) -> None:
    lab = netlab(rate_mbit=0.01, queue_ms=60_000)
    with probes(lab) as sent:
        sent.send(50, size_bytes=1000)  # 40 s
        wait_until(lambda: lab.read().down.queue_ms > 30_000)
        lab.set(rate_mbit=10)
        sent.wait(50)


def test_a_cut_link_carries_nothing_until_it_is_whole(netlab: Open) -> None:
    lab = netlab()
    with probes(lab) as sent:
        lab.set(cut=True)
        sent.send(10)
        wait_until(lambda: lab.read().down.cut_packets == 10)
        lab.set(cut=False)
        sent.send(1)
        sent.wait(1)
        assert sent.numbers == [10]


def test_a_trace_is_played_again_and_again(netlab: Open) -> None:
    lab = netlab()
    whole, cut = Conditions(), Conditions(cut=True)
    lab.play([Step(0.2, whole, whole), Step(0.2, cut, cut)])
    with probes(lab) as sent:

        def more(counter: str, than: int) -> bool:
            sent.send()
            return int(getattr(lab.read().down, counter)) > than

        for _ in range(2):
            for counter in ("carried_packets", "cut_packets"):
                wait_until(partial(more, counter, getattr(lab.read().down, counter)))
        lab.set(cut=False)  # ends the trace
        time.sleep(0.5)  # longer than the trace: it would have cut the link again
        before = len(sent.delays_ms)
        sent.send()
        sent.wait(before + 1)
        assert lab.read().down.late_ms < 1000


def test_laboratories_are_apart(netlab: Open) -> None:
    slow, quick = netlab(delay_ms=150), netlab()
    assert {slow.near, slow.far}.isdisjoint({quick.near, quick.far})
    with probes(slow) as slowly, probes(quick) as quickly:
        slowly.send(5, every_s=0.01)
        quickly.send(5, every_s=0.01)
        slowly.wait(5)
        quickly.wait(5)
    assert min(quickly.delays_ms) < 150 <= min(slowly.delays_ms)


@pytest.mark.parametrize("algorithm", ["reno", "cubic"])
def test_tcp_takes_the_congestion_control_that_was_asked_for(netlab: Open, algorithm: str) -> None:
    with tcp(netlab(congestion=algorithm)) as ends:
        for end in ends:
            used = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
            assert used.rstrip(b"\0").decode() == algorithm
