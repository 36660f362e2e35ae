"""Where streams go: near their desk, evenly, and back when encoders come and go."""

from dataclasses import replace

from fanlight_common.protocol import bus, topics
from fanlight_directory.core.effects import Effect, Leased, Publish, Reason
from fanlight_directory.core.placement import Choice, Encoder, Rules
from fanlight_directory.core.registry import Registry
from tests.directory.bench import (
    LEASE,
    TIMING,
    Bench,
    capture,
    encoder,
    leases,
    the_lease,
)


def some(number: int, streams: int, **more: object) -> Encoder:
    held = {f"d{number}-{n}/high" for n in range(streams)}
    return Encoder(encoder(number, **more), 0.0, held)  # type: ignore[arg-type]  # fields of a beat


def test_the_least_full_is_chosen_and_the_load_decides_between_equals() -> None:
    two = [some(1, 1), some(2, 2), some(3, 1, load=0.5), some(4, 0, capacity=0)]
    choice = Choice(two, locality=0.5)
    best = choice.best("h")
    assert best is two[0]
    best.streams.add("x/high")
    choice.changed(best)
    assert choice.best("h") is two[2]
    assert Choice([some(4, 0, capacity=0)], 0.5).best("h") is None


def test_an_encoder_of_the_desk_s_host_is_chosen_while_it_is_not_much_fuller() -> None:
    near, far = some(1, 2, host="near"), some(2, 0, host="far")
    assert Choice([near, far], locality=0.5).best("near") is near
    assert Choice([near, far], locality=0.4).best("near") is far
    assert Choice([near, far], locality=0.5).best("elsewhere") is far


def test_two_on_one_host_are_filled_evenly() -> None:
    near = [some(1, 2, host="near"), some(2, 1, host="near")]
    assert Choice([*near, some(3, 0, host="far")], 1.0).best("near") is near[1]


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


# --- what is published can be lost, and there can be two directories -------------------------


def test_a_holder_that_does_not_encode_is_shown_its_lease_again() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    lease = the_lease(bench.ask())
    said = []
    for _ in range(30):
        bench.now = round(bench.now + 0.1, 6)
        said += leases(bench.hear(encoder(1)))
    assert said == [lease] * len(said)
    assert 2 <= len(said) <= 3
    # An encoder that claims its stream is not shown it again.
    bench.beating["encoder-1"] = encoder(1, held={"main/high": lease.epoch})
    assert leases(bench.wait(5.0)) == []


def test_a_lease_that_its_holder_never_claims_goes_to_another_by_a_larger_epoch() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1), encoder(2, load=0.5))
    first = the_lease(bench.ask())
    assert first.id == "encoder-1"
    said: list[Effect] = []
    for _ in range(56):
        bench.now = round(bench.now + 0.1, 6)
        said += bench.hear(encoder(1))
    moved = [effect for effect in said if isinstance(effect, Leased)]
    assert [(effect.id, effect.reason) for effect in moved] == [("encoder-2", Reason.UNCLAIMED)]
    assert moved[0].epoch > first.epoch
    # Neither encoder hears this directory. Each gets the lease in turn, by larger epochs.
    for _ in range(56):
        bench.now = round(bench.now + 0.1, 6)
        said += bench.hear(encoder(1), encoder(2))
    last = [effect for effect in said if isinstance(effect, Leased)][-1]
    assert last.id == "encoder-1"
    assert last.epoch >= first.epoch + 10


def test_the_only_encoder_gets_an_unclaimed_lease_back_by_a_larger_epoch() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    said: list[Effect] = []
    for _ in range(56):
        bench.now = round(bench.now + 0.1, 6)
        said += bench.hear(encoder(1))
    again = leases(said)[-1]
    assert again.id == "encoder-1"
    assert again.epoch > first.epoch


def test_one_epoch_in_the_hands_of_two_ends_the_same_way_in_both_directories() -> None:
    """Two directories gave one epoch to two encoders. Everybody then hears both directories."""
    benches = [Bench(), Bench()]
    epochs = set()
    for number, bench in enumerate(benches, 1):
        bench.hear(capture(), encoder(number))
        epochs.add(the_lease(bench.ask()).epoch)
    (epoch,) = epochs
    claims = [encoder(n, held={"main/high": epoch}) for n in (1, 2)]
    for bench in benches:
        bench.hear(*claims)
    said = [the_lease(bench.ask()) for bench in benches]
    # The directory that knew encoder 1 alone took over the claim of encoder 2, by a new epoch.
    assert [record.id for record in said] == ["encoder-2", "encoder-2"]
    assert [record.epoch for record in said] == [epoch + 1, epoch]
    # Encoder 2 now claims a newer epoch than the other directory gave, so it is right there, too.
    for bench in benches:
        bench.hear(encoder(1), encoder(2, held={"main/high": epoch + 1}))
    said = [the_lease(bench.ask()) for bench in benches]
    assert {(record.id, record.epoch) for record in said} == {("encoder-2", epoch + 1)}


def test_a_directory_whose_clock_is_behind_follows_the_claims_of_the_one_before() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    lease = the_lease(bench.ask())
    late = Bench(settled=False)
    late.now -= 50.0
    late.registry = Registry(TIMING, late.now)
    late.hear(capture(), encoder(2))
    late.ask()
    late.hear(encoder(1, held={"main/high": lease.epoch}))
    late.wait(3.0)
    assert the_lease(late.ask(LEASE)) == lease
    # A move makes no epoch smaller.
    late.mute(encoder(1))
    moved = leases(late.wait(1.3))
    assert [record.id for record in moved] == ["encoder-2"]
    assert moved[0].epoch == lease.epoch + 1


def test_the_same_words_again_cost_no_look_at_them() -> None:
    bench = Bench()
    one = capture()
    bench.hear(one)
    assert bench.registry.heartbeat(one, bench.now + 0.9, bench.unix_s) == []
    bench.beating.clear()
    bench.now += 0.9
    assert bench.wait(0.9) == []
    assert leases(bench.wait(0.3)) == []
    assert bench.registry.counts().services == {}
    assert replace(one) == one
