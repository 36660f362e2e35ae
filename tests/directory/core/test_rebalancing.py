"""Which running streams move, and how many at a time."""

from fanlight_common.protocol import bus, topics
from fanlight_directory.core.effects import Leased, Publish, Reason
from fanlight_directory.core.lease_states import StreamLease
from fanlight_directory.core.placement import Encoder, Rules
from fanlight_directory.core.rebalancing import Rebalancing
from fanlight_directory.core.registry import Registry
from tests.directory.bench import TIMING, Bench, capture, encoder, leases, the_lease

RULES = Rules(moves=2, margin=0.1)
NOW = 100.0


class Streams:
    """Two encoders. The first, on host `far`, holds four watched streams of desks d0 to d3."""

    def __init__(self, second_since: float) -> None:
        self.encoders = {
            "encoder-1": Encoder(encoder(1, capacity=8, host="far"), 0.0, set()),
            "encoder-2": Encoder(encoder(2, capacity=8), second_since, set()),
        }
        self.leases = {
            name: StreamLease(name, name.split("/")[0], holder="encoder-1", wanted=True)
            for name in (f"d{n}/high" for n in range(4))
        }
        self.encoders["encoder-1"].streams.update(self.leases)
        self.hosts = {f"d{n}": "far" for n in range(4)}

    def round(self, rules: Rules = RULES) -> tuple[list[str], bool]:
        """Move what one round moves. Return the names, and whether a later round may move more."""
        round_ = Rebalancing(self.encoders, self.leases, self.hosts, rules, NOW)
        moved = []
        for lease in round_.moves():
            best = round_.choice.best(self.hosts[lease.desk])
            assert best is not None
            self.encoders[lease.holder].streams.remove(lease.name)
            round_.choice.changed(self.encoders[lease.holder])
            best.streams.add(lease.name)
            round_.choice.changed(best)
            lease.holder = best.beat.id
            moved.append(lease.name)
        return moved, round_.may_gain_later


def test_a_round_moves_the_streams_that_gain_most() -> None:
    streams = Streams(second_since=0.0)
    streams.hosts["d2"] = "h"
    moved, _ = streams.round()
    assert moved[0] == "d2/high", "its desk is on the host of the second encoder"


def test_a_round_ends_at_its_limit_and_says_that_more_may_move() -> None:
    streams = Streams(second_since=0.0)
    streams.hosts = dict.fromkeys(streams.hosts, "h")
    assert streams.round() == (["d0/high", "d1/high"], True)
    moved, _ = streams.round()
    assert moved == ["d2/high", "d3/high"]
    assert streams.round() == ([], False)


def test_no_stream_moves_to_an_encoder_that_has_just_come() -> None:
    streams = Streams(second_since=NOW - RULES.seasoned_s + 0.1)
    streams.hosts = dict.fromkeys(streams.hosts, "h")
    assert streams.round() == ([], True)


def test_a_stream_of_an_unknown_desk_stays_and_so_does_one_that_nobody_wants() -> None:
    streams = Streams(second_since=0.0)
    streams.hosts = {"d0": "h", "d1": "h"}
    streams.leases["d0/high"].wanted = False
    assert streams.round()[0] == ["d1/high"]


def hosted(bench: Bench, desks: int = 8) -> None:
    """Make the desks d0, d1 and so on, on host h, each of which is watched."""
    for n in range(desks):
        bench.hear(capture(f"d{n}"))
        bench.ask(topics.lease(f"d{n}/high"))


def holders(bench: Bench) -> list[str]:
    records = [e.record for e in bench.ask(b"lease/") if isinstance(e, Publish)]
    return [r.id for r in records if isinstance(r, bus.LeaseRecord) and r.alive]


def test_who_comes_later_is_given_its_share_of_what_runs_a_few_at_a_time() -> None:
    bench = Bench()
    bench.hear(encoder(1, capacity=16))
    hosted(bench)
    bench.hear(encoder(2, capacity=16))
    # It may be failing again and again, so it is not trusted at once.
    assert leases(bench.wait(4.5)) == []
    first = leases(bench.wait(1.6))
    assert 1 <= len(first) <= 2 * Rules().moves
    effects = bench.wait(10.0)
    assert holders(bench).count("encoder-2") in (3, 4)
    assert {e.reason for e in effects if isinstance(e, Leased)} <= {Reason.EVENED}
    # After that nothing moves.
    assert bench.wait(20.0) == []


def test_streams_come_home_when_an_encoder_of_the_desk_s_host_comes() -> None:
    bench = Bench()
    bench.hear(encoder(1, capacity=16, host="far"))
    hosted(bench, 4)
    bench.hear(encoder(2, capacity=16))
    bench.wait(12.0)
    assert holders(bench) == ["encoder-2"] * 4
    assert bench.wait(20.0) == []


def test_a_desk_that_moves_takes_its_stream_along() -> None:
    bench = Bench()
    bench.hear(encoder(1, capacity=16), encoder(2, capacity=16, host="far"))
    bench.hear(capture())
    assert the_lease(bench.ask()).id == "encoder-1"
    bench.wait(6.0)
    bench.hear(capture(instance="2", host="far"))
    (moved,) = leases(bench.wait(2.0))
    assert moved.id == "encoder-2"


def test_moves_can_be_turned_off() -> None:
    bench = Bench()
    bench.registry = Registry(TIMING, 0.0, Rules(moves=0))
    bench.wait(0.1)
    bench.hear(encoder(1, capacity=16))
    hosted(bench)
    bench.hear(encoder(2, capacity=16))
    assert leases(bench.wait(15.0)) == []


def test_what_nobody_watches_does_not_move() -> None:
    bench = Bench()
    bench.hear(encoder(1, capacity=4, host="far"), capture())
    bench.ask()
    bench.leave()
    bench.hear(encoder(2, capacity=4))
    moved = [e for e in bench.wait(10.0) if isinstance(e, Leased) and e.reason is Reason.EVENED]
    assert moved == []
