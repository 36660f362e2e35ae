"""Leases while a new directory settles, and claims of encoders that it did not expect."""

from fanlight_directory.core.effects import Leased, Reason
from tests.directory.bench import TIMING, UNIX, Bench, capture, encoder, leases, the_lease


def test_the_end_of_settling_is_due() -> None:
    bench = Bench(settled=False)
    assert bench.registry.due_at() == bench.now + TIMING.settle_s


def test_a_drained_encoder_of_an_unknown_desk_keeps_it() -> None:
    bench = Bench(settled=False)
    bench.hear(encoder(1, capacity=0, held={"main/high": UNIX}), encoder(2))
    bench.ask()
    assert leases(bench.wait(1.2)) == []
    assert the_lease(bench.hear(capture())).id == "encoder-2"


def test_after_a_restart_running_streams_stay_where_they_are() -> None:
    bench = Bench(settled=False)
    bench.hear(capture(), encoder(2))
    assert bench.ask() == []
    bench.wait(0.5)
    held = encoder(1, held={"main/high": UNIX - 77}, load=1.0)
    effects = bench.hear(held)
    lease = the_lease(effects)
    assert (lease.id, lease.epoch) == ("encoder-1", UNIX - 77)
    assert Leased("main/high", "encoder-1", UNIX - 77, Reason.CLAIMED) in effects
    assert leases(bench.wait(10.0)) == []


def test_nothing_is_dead_while_it_settles() -> None:
    bench = Bench(settled=False)
    bench.hear(capture())
    assert bench.ask() == []
    assert leases(bench.wait(0.8)) == []
    assert not the_lease(bench.wait(0.4)).alive


def test_settled_it_gives_what_nobody_claimed() -> None:
    bench = Bench(settled=False)
    bench.hear(capture(), encoder(1))
    assert bench.ask() == []
    assert leases(bench.wait(0.8)) == []
    assert the_lease(bench.wait(0.4)).alive


def test_a_claimant_lost_while_it_settles_is_not_offered_to_anybody() -> None:
    bench = Bench(settled=False)
    claimant = encoder(1, held={"main/high": UNIX})
    bench.hear(capture(), claimant)
    bench.ask()
    assert leases(bench.bye(claimant)) == []
    assert bench.ask() == []
    assert not the_lease(bench.wait(1.2)).alive


def test_of_two_claims_the_larger_epoch_is_right() -> None:
    bench = Bench(settled=False)
    bench.hear(capture())
    bench.ask()
    assert the_lease(bench.hear(encoder(1, held={"main/high": UNIX}))).id == "encoder-1"
    assert the_lease(bench.hear(encoder(2, held={"main/high": UNIX + 1}))).id == "encoder-2"
    # The directory tells the other one again, but not at each of its heartbeats.
    reminders = leases(bench.wait(5.0))
    assert 3 <= len(reminders) <= 6
    assert {lease.id for lease in reminders} == {"encoder-2"}


def test_a_claim_without_demand_ends_after_settling_and_the_grace() -> None:
    bench = Bench(settled=False)
    bench.hear(capture(), encoder(1, held={"main/high": UNIX}))
    bench.beating["encoder-1"] = encoder(1)
    bench.wait(TIMING.settle_s + TIMING.grace_s - 0.2)
    assert bench.registry.counts().leases == 1
    bench.wait(0.5)
    assert bench.registry.counts().leases == 0


def test_who_returns_from_silence_with_an_old_claim_is_put_right() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    bench.mute(encoder(1))
    bench.hear(encoder(2))
    (second,) = leases(bench.wait(1.3))
    assert second.id == "encoder-2"
    assert the_lease(bench.hear(encoder(1, held={"main/high": first.epoch}))) == second


def test_alone_and_back_from_silence_it_begins_a_new_epoch() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    bench.mute(encoder(1))
    assert not the_lease(bench.wait(1.3)).alive
    again = the_lease(bench.hear(encoder(1, held={"main/high": first.epoch})))
    assert again.alive
    assert again.epoch > first.epoch
