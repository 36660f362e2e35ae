"""Who encodes what, event by event: a lease is given, moves, ends, and is handed over."""

import pytest

from fanlight_common.protocol import bus, topics
from fanlight_directory.core.checks import MAX_EPOCH
from fanlight_directory.core.effects import Leased, Publish, Reason
from fanlight_directory.core.lease_states import HANDOVER_S
from fanlight_directory.core.leases import FORGET_ENDED_S
from tests.directory.bench import LEASE, TIMING, Bench, beat, capture, encoder, leases, the_lease


def test_a_lease_goes_to_the_encoder_with_most_room() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1, load=0.5), encoder(2, load=0.1), encoder(3, load=0.3))
    effects = bench.ask()
    lease = the_lease(effects)
    assert lease == bus.LeaseRecord(
        "main/high",
        True,
        "encoder-2",
        "1",
        "ipc:///encoder-2.outlet",
        "ipc:///encoder-2.inlet",
        bench.unix_s,
    )
    assert Leased("main/high", "encoder-2", bench.unix_s, Reason.ASKED) in effects
    # The load lags behind, so the streams that an encoder holds count as well.
    assert the_lease(bench.ask(topics.lease("main/keyframes"))).id == "encoder-3"


def test_room_is_relative_to_capacity() -> None:
    bench = Bench()
    desks = tuple(bus.DeskOffer(f"d{n}", 1, 1) for n in range(10))
    bench.hear(beat("capture", "c", desks=desks), encoder(1, capacity=8), encoder(2, capacity=2))
    ids = [the_lease(bench.ask(topics.lease(f"d{n}/high"))).id for n in range(10)]
    assert ids.count("encoder-1") == 8
    assert ids.count("encoder-2") == 2


def test_a_full_house_still_takes_streams() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1, capacity=1))
    assert the_lease(bench.ask()).alive
    assert the_lease(bench.ask(topics.lease("main/keyframes"))).alive


def test_asking_again_tells_the_same() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    assert the_lease(bench.ask()) == first
    assert bench.ask() == [Publish(LEASE, first)]
    assert the_lease(bench.ask(topics.LEASES)) == first
    assert the_lease(bench.ask(b"lease/main/")) == first


def test_without_an_encoder_there_is_none_and_then_there_is() -> None:
    bench = Bench()
    bench.hear(capture())
    # It has an epoch, so that it counts for those who remember a lease of an earlier directory.
    nobody = bus.LeaseRecord("main/high", False, "", "", "", "", bench.unix_s)
    assert bench.ask() == [Publish(LEASE, nobody)]
    assert bench.ask() == [Publish(LEASE, nobody)]
    assert the_lease(bench.hear(encoder(1))).id == "encoder-1"


def test_without_the_desk_there_is_none_and_then_there_is() -> None:
    bench = Bench()
    bench.hear(encoder(1))
    assert not the_lease(bench.ask()).alive
    assert leases(bench.hear(capture("other"))) == []
    assert the_lease(bench.hear(capture())).id == "encoder-1"


def test_a_desk_whose_capture_died_keeps_its_lease() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    bench.ask()
    assert leases(bench.bye(capture())) == []
    assert the_lease(bench.ask(topics.lease("main/keyframes"))).alive


@pytest.mark.parametrize("reason", [Reason.SILENCE, Reason.FAREWELL, Reason.REPLACED])
def test_a_lost_encoder_s_leases_move_at_once_by_a_larger_epoch(reason: Reason) -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    bench.hear(encoder(2, load=0.9))
    if reason is Reason.SILENCE:
        bench.mute(encoder(1))
        effects = bench.wait(1.2)
    elif reason is Reason.FAREWELL:
        effects = bench.bye(encoder(1))
    else:
        effects = bench.hear(encoder(1, "2", load=1.0))
    lease = the_lease(effects)
    assert lease.id == "encoder-2"
    assert lease.epoch > first.epoch
    assert Leased("main/high", "encoder-2", lease.epoch, reason) in effects


def test_a_restarted_encoder_gets_its_lease_back_by_a_larger_epoch() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1, "old"))
    first = the_lease(bench.ask())
    # It moves in one step, without a record that says that nobody has it.
    second = the_lease(bench.hear(encoder(1, "new")))
    assert (second.id, second.instance) == ("encoder-1", "new")
    assert second.epoch > first.epoch


def test_the_last_encoder_lost_is_told_and_the_epoch_stays() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    effects = bench.bye(encoder(1))
    assert the_lease(effects) == bus.LeaseRecord("main/high", False, "", "", "", "", first.epoch)
    assert Leased("main/high", "", first.epoch, Reason.FAREWELL) in effects
    again = the_lease(bench.hear(encoder(2)))
    assert again.epoch > first.epoch


def test_a_reload_within_the_grace_keeps_the_lease() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    bench.leave()
    bench.wait(1.9)
    assert the_lease(bench.ask()) == first
    assert bench.wait(5.0) == []


def test_an_unwanted_lease_ends_after_the_grace() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    bench.leave()
    bench.leave()
    effects = bench.wait(2.3)
    assert Leased("main/high", "", first.epoch, Reason.UNUSED) in effects
    assert not the_lease(effects).alive
    assert bench.registry.counts().leases == 0
    assert the_lease(bench.ask()).epoch > first.epoch


def test_an_unwanted_lease_of_a_lost_encoder_does_not_move() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1), encoder(2))
    bench.ask()
    bench.leave()
    assert not the_lease(bench.bye(encoder(1))).alive
    assert bench.wait(3.0) == []


def test_leaving_before_there_was_an_encoder_waits_for_none() -> None:
    bench = Bench()
    bench.hear(capture())
    bench.ask()
    bench.leave()
    assert leases(bench.hear(encoder(1))) == []
    bench.leave(topics.lease("never/high"))
    bench.leave(topics.DESKS)


def test_an_ended_stream_is_forgotten_but_its_epoch_never_undercut() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    epochs = [the_lease(bench.ask()).epoch]
    # If a lease moves more than once a second, its epoch runs ahead of the wall clock.
    for number in range(200):
        moved = bench.hear(encoder(1, f"i{number}"))
        epochs.append(the_lease(moved).epoch)
    assert epochs == sorted(set(epochs))
    bench.leave()
    bench.wait(TIMING.grace_s + FORGET_ENDED_S + 1)
    epochs.append(the_lease(bench.ask()).epoch)
    assert epochs[-1] == epochs[-2] + 1
    bench.leave()
    bench.wait(300.0)
    assert the_lease(bench.ask()).epoch == bench.unix_s


def test_a_drained_encoder_is_relieved() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    # While it is alone, it keeps what it has.
    assert leases(bench.hear(encoder(1, capacity=0))) == []
    effects = bench.hear(encoder(2))
    lease = the_lease(effects)
    assert lease.id == "encoder-2"
    assert lease.epoch > first.epoch
    assert Leased("main/high", "encoder-2", lease.epoch, Reason.DRAINED) in effects
    # It gets nothing new until it says that it has room again.
    assert the_lease(bench.ask(topics.lease("main/keyframes"))).id == "encoder-2"
    bench.hear(encoder(1))
    bench.hear(capture("other"))
    assert the_lease(bench.ask(topics.lease("other/high"))).id == "encoder-1"


def test_who_is_relieved_goes_on_for_a_moment_and_who_is_lost_does_not() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    assert first.handover_from == 0
    bench.hear(encoder(2, load=0.9))
    second = the_lease(bench.hear(encoder(1, capacity=0)))
    assert (second.id, second.handover_from) == ("encoder-2", first.epoch)
    # The next one leaves at once as well. The first still encodes, so its epoch is the one to name.
    bench.hear(encoder(3))
    third = the_lease(bench.hear(encoder(2, capacity=0)))
    assert (third.id, third.handover_from) == ("encoder-3", first.epoch)
    # Later only the holder still encodes.
    bench.hear(encoder(4))
    bench.wait(HANDOVER_S + 0.1)
    fourth = the_lease(bench.hear(encoder(3, capacity=0)))
    assert (fourth.id, fourth.handover_from) == ("encoder-4", third.epoch)
    bench.hear(encoder(5))
    assert the_lease(bench.bye(encoder(4))).handover_from == 0


def test_of_two_that_leave_the_one_that_has_left_is_not_waited_for() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    bench.ask()
    bench.hear(encoder(2))
    second = the_lease(bench.hear(encoder(1, capacity=0)))
    bench.bye(encoder(1))
    bench.hear(encoder(3))
    third = the_lease(bench.hear(encoder(2, capacity=0)))
    assert (third.id, third.handover_from) == ("encoder-3", second.epoch)


def test_an_epoch_does_not_leave_its_32_bits() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    bench.ask()
    bench.hear(encoder(1, held={"main/high": MAX_EPOCH - 2**16}))
    bench.now += 2**32
    assert the_lease(bench.hear(encoder(1, "2"))).epoch == MAX_EPOCH
