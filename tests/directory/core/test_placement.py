"""Where streams go: near their desk, and evenly; leases that their holders do not see."""

from dataclasses import replace

from fanlight_directory.core.effects import Effect, Leased, Reason
from fanlight_directory.core.placement import Choice, Encoder
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
