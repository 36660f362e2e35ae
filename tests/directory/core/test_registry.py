"""The directory's state machine, event by event: no sockets, no clock."""

import math
from dataclasses import replace
from typing import Any

import pytest

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import bus, topics
from fanlight_directory.core.checks import MAX_EPOCH
from fanlight_directory.core.effects import Contested, Effect, Joined, Leased, Left, Publish, Why
from fanlight_directory.core.lease_states import HANDOVER_S
from fanlight_directory.core.leases import FORGET_ENDED_S
from fanlight_directory.core.registry import ANSWER_AGAIN_S, Counts, Registry, Timing

TIMING = Timing(timeout_s=1.0, settle_s=1.0, grace_s=2.0, forget_s=600.0)
UNIX = 1_700_000_000
LEASE = topics.lease("main/high")


def beat(kind: str, id_: str, instance: str = "1", **more: Any) -> bus.Heartbeat:
    """A heartbeat of a process on host `h`."""
    plain = bus.Heartbeat(
        kind=kind,
        id=id_,
        instance=instance,
        host="h",
        outlet=f"ipc:///{id_}.outlet",
        inlet=f"ipc:///{id_}.inlet",
        http="",
        desks=(),
        capacity=0,
        load=0.0,
        streams=(),
    )
    return replace(plain, **more)


def capture(desk: str = "main", instance: str = "1", id_: str = "", **more: Any) -> bus.Heartbeat:
    """A capture of one desk."""
    more = {"desks": (bus.DeskOffer(desk, 1920, 1080),), **more}
    return beat("capture", id_ or f"capture-{desk}", instance, **more)


def encoder(
    number: int, instance: str = "1", held: dict[str, int] | None = None, **more: Any
) -> bus.Heartbeat:
    """An encoder with room for four streams, holding `held` (stream: epoch)."""
    streams = tuple(bus.HeldStream(stream, epoch) for stream, epoch in (held or {}).items())
    return beat(
        "encoder", f"encoder-{number}", instance, **{"capacity": 4, "streams": streams, **more}
    )


class Bench:
    """A registry with a clock that is turned by hand, and everybody who keeps beating."""

    def __init__(self, settled: bool = True) -> None:
        self.now = 100.0
        self.registry = Registry(TIMING, self.now)
        self.beating: dict[str, bus.Heartbeat] = {}
        if settled:
            self.wait(TIMING.settle_s)

    @property
    def unix_s(self) -> int:
        return UNIX + int(self.now)

    def hear(self, *beats: bus.Heartbeat) -> list[Effect]:
        """These live, from now on."""
        effects: list[Effect] = []
        for one in beats:
            self.beating[one.id] = one
            effects += self.registry.heartbeat(one, self.now, self.unix_s)
        return effects

    def claiming(self, one: bus.Heartbeat) -> bus.Heartbeat:
        """An encoder claims what it holds, unless the test says what it claims."""
        records = self.registry._present.values()
        held = tuple(
            bus.HeldStream(r.stream, r.epoch)
            for r in records
            if isinstance(r, bus.LeaseRecord) and r.alive and (r.id, r.instance) == _who(one)
        )
        return one if one.streams or not held else replace(one, streams=held)

    def bye(self, one: bus.Heartbeat) -> list[Effect]:
        """This one ends properly."""
        self.beating.pop(one.id, None)
        return self.registry.farewell(bus.Farewell(one.id, one.instance), self.now, self.unix_s)

    def mute(self, one: bus.Heartbeat) -> None:
        """This one dies."""
        del self.beating[one.id]

    def ask(self, topic: bytes = LEASE) -> list[Effect]:
        return self.registry.subscribed(topic, self.now, self.unix_s)

    def leave(self, topic: bytes = LEASE) -> None:
        self.registry.unsubscribed(topic, self.now)

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, in steps, while the living beat."""
        effects: list[Effect] = []
        for _ in range(round(seconds / 0.1)):
            # Rounded, so that a hundred tenths are ten seconds.
            self.now = round(self.now + 0.1, 6)
            for one in self.beating.values():
                effects += self.registry.heartbeat(self.claiming(one), self.now, self.unix_s)
            effects += self.registry.tick(self.now, self.unix_s)
        return effects


def _who(beat: bus.Heartbeat) -> tuple[str, str]:
    return beat.id, beat.instance


def published(effects: list[Effect]) -> list[bus.DirectoryOutlet]:
    return [effect.record for effect in effects if isinstance(effect, Publish)]


def leases(effects: list[Effect]) -> list[bus.LeaseRecord]:
    return [record for record in published(effects) if isinstance(record, bus.LeaseRecord)]


def the_lease(effects: list[Effect]) -> bus.LeaseRecord:
    (record,) = leases(effects)
    return record


# --- services -------------------------------------------------------------------------------


def test_a_process_joins_changes_and_leaves() -> None:
    bench = Bench()
    shot = beat("screenshot", "screenshot", http="http://127.0.0.1:1")
    alive = bus.ServiceRecord("screenshot", "screenshot", True, "1", "h", "http://127.0.0.1:1")
    topic = topics.service("screenshot", "screenshot")
    assert bench.hear(shot) == [Joined("screenshot", "screenshot", "1"), Publish(topic, alive)]
    assert bench.hear(shot) == []
    moved = replace(shot, http="http://127.0.0.1:2")
    (there,) = published(bench.hear(moved))
    assert isinstance(there, bus.ServiceRecord)
    assert there.http == "http://127.0.0.1:2"
    dead = bus.ServiceRecord("screenshot", "screenshot", False, "1", "h", "")
    gone = [Left("screenshot", "screenshot", "1", Why.FAREWELL), Publish(topic, dead)]
    assert bench.bye(moved) == gone
    assert bench.bye(moved) == []


def test_silence_is_noticed_within_the_timeout_and_a_step() -> None:
    bench = Bench()
    shot = beat("screenshot", "screenshot")
    bench.hear(shot)
    bench.mute(shot)
    assert bench.wait(0.9) == []
    assert Left("screenshot", "screenshot", "1", Why.SILENCE) in bench.wait(0.3)


def test_a_tick_when_it_is_due_sees_whom_nobody_hears_and_one_before_does_not() -> None:
    bench = Bench()
    assert bench.registry.due_at() == math.inf, "nobody is there, nothing to settle"
    first, second = beat("screenshot", "first"), beat("screenshot", "second")
    bench.hear(first)
    bench.now += 0.25
    bench.hear(second)
    due_at = bench.registry.due_at()
    assert due_at == bench.now - 0.25 + TIMING.timeout_s
    # Awake in between, or it would take the time for one in which it did not run itself.
    for earlier_s in (0.6, 0.3):
        assert bench.registry.tick(due_at - earlier_s, bench.unix_s) == []
    assert bench.registry.tick(due_at, bench.unix_s) == []
    left = bench.registry.tick(due_at + 0.01, bench.unix_s)
    assert Left("screenshot", "first", "1", Why.SILENCE) in left
    assert bench.registry.due_at() == due_at + 0.25


def test_the_end_of_settling_is_due() -> None:
    bench = Bench(settled=False)
    assert bench.registry.due_at() == bench.now + TIMING.settle_s


def test_an_answer_that_has_to_wait_is_due_when_it_may_come() -> None:
    bench = Bench()
    bench.hear(capture())
    assert published(bench.ask(b"desk/"))
    alone = bench.registry.due_at()
    assert bench.ask(b"desk/") == []
    due_at = bench.registry.due_at()
    assert due_at == bench.now + ANSWER_AGAIN_S < alone
    assert published(bench.registry.tick(due_at, bench.unix_s))
    assert bench.registry.due_at() == alone


def test_who_comes_back_from_silence_joins_again() -> None:
    bench = Bench()
    shot = beat("screenshot", "screenshot")
    bench.hear(shot)
    bench.mute(shot)
    bench.wait(1.2)
    assert Joined("screenshot", "screenshot", "1") in bench.hear(shot)


def test_a_farewell_of_an_older_instance_changes_nothing() -> None:
    bench = Bench()
    bench.hear(encoder(1, "new"))
    assert bench.bye(encoder(1, "old")) == []
    assert bench.bye(encoder(9)) == []


def test_a_directory_that_did_not_run_does_not_blame_the_others() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    bench.now += 30.0
    assert bench.registry.tick(bench.now, bench.unix_s) == []
    assert bench.wait(3.0) == []
    bench.beating.clear()
    assert [type(effect) for effect in bench.wait(1.3)].count(Left) == 2


def test_the_place_goes_to_the_newer_instance() -> None:
    bench = Bench()
    bench.hear(beat("screenshot", "s", "old"))
    effects = bench.hear(beat("screenshot", "s", "new"))
    assert effects[:2] == [
        Left("screenshot", "s", "old", Why.REPLACED),
        Joined("screenshot", "s", "new"),
    ]
    # One record, not a death and a birth.
    (record,) = published(effects)
    assert record == bus.ServiceRecord("screenshot", "s", True, "new", "h", "")
    # The last words of the old one.
    assert bench.registry.heartbeat(beat("screenshot", "s", "old"), bench.now, UNIX) == []


def test_a_name_of_two_kinds_ends_the_older_record() -> None:
    bench = Bench()
    bench.hear(encoder(1))
    records = published(bench.hear(beat("gateway", "encoder-1", "2")))
    assert [(r.kind, r.alive) for r in records if isinstance(r, bus.ServiceRecord)] == [
        ("encoder", False),
        ("gateway", True),
    ]


def test_two_that_share_an_id_are_told_of_once() -> None:
    bench = Bench()
    old = beat("screenshot", "s", "old")
    bench.hear(old)
    bench.hear(beat("screenshot", "s", "new"))
    said: list[Effect] = []
    for _ in range(40):
        said += bench.wait(0.1)
        said += bench.registry.heartbeat(old, bench.now, UNIX)
    assert said == [Contested("id", "s", "new", "old")]
    # The winner leaves: the place is free for the other, who is alive after all.
    bench.bye(beat("screenshot", "s", "new"))
    assert Joined("screenshot", "s", "old") in bench.hear(old)


def test_the_last_words_of_a_replaced_one_do_not_raise_it() -> None:
    bench = Bench()
    old, new = beat("screenshot", "s", "old"), beat("screenshot", "s", "new")
    bench.hear(old, new)
    bench.bye(new)
    assert bench.registry.heartbeat(old, bench.now, UNIX) == []
    # Once it is silent, it is forgotten that it was ever replaced.
    bench.wait(2.5)
    assert Joined("screenshot", "s", "old") in bench.hear(old)


def test_counts() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1), encoder(2))
    bench.ask()
    bench.ask(topics.lease("elsewhere/high"))
    assert bench.registry.counts() == Counts({"capture": 1, "encoder": 2}, 1, 1, 1)


# --- desks ----------------------------------------------------------------------------------


def desk_records(effects: list[Effect]) -> list[bus.DeskRecord]:
    return [record for record in published(effects) if isinstance(record, bus.DeskRecord)]


def test_a_desk_is_announced_resized_and_gone() -> None:
    bench = Bench()
    main = capture()
    record = bus.DeskRecord(
        "main", True, "capture-main", "1", "h", main.outlet, main.inlet, 1920, 1080
    )
    assert desk_records(bench.hear(main)) == [record]
    away = replace(main, desks=(bus.DeskOffer("main", 0, 0),))
    assert desk_records(bench.hear(away)) == [replace(record, width=0, height=0)]
    bench.mute(away)
    dead = bus.DeskRecord("main", False, "", "", "", "", "", 0, 0)
    assert desk_records(bench.wait(1.3)) == [dead]


def test_a_desk_no_longer_offered_is_gone() -> None:
    bench = Bench()
    both = (bus.DeskOffer("a", 1, 1), bus.DeskOffer("b", 1, 1))
    bench.hear(beat("capture", "c", desks=both))
    (record,) = desk_records(bench.hear(beat("capture", "c", desks=both[:1])))
    assert (record.desk, record.alive) == ("b", False)


def test_a_restarted_capture_is_not_gone_in_between() -> None:
    bench = Bench()
    bench.hear(capture(instance="old"))
    (record,) = desk_records(bench.hear(capture(instance="new")))
    assert (record.alive, record.instance) == (True, "new")


def test_of_two_captures_of_a_desk_the_later_wins_until_it_goes() -> None:
    bench = Bench()
    bench.hear(capture(id_="first"))
    effects = bench.hear(capture(id_="second"))
    assert desk_records(effects)[0].id == "second"
    assert Contested("desk", "main", "second", "first") in effects
    # What the loser says of its size is not what is watched.
    resized = capture(id_="first", desks=(bus.DeskOffer("main", 640, 480),))
    assert bench.hear(resized) == []
    (record,) = desk_records(bench.bye(capture(id_="second")))
    assert (record.id, record.width) == ("first", 640)


def test_a_subscription_is_answered_with_the_present() -> None:
    bench = Bench()
    bench.hear(capture("main"), capture("other"), encoder(1))
    bench.bye(capture("other"))
    everything = {r.desk: r.alive for r in desk_records(bench.ask(topics.DESKS))}
    assert everything == {"main": True, "other": False}
    assert [r.desk for r in desk_records(bench.ask(topics.desk("main")))] == ["main"]
    assert published(bench.ask(topics.desk("never"))) == []
    assert len(published(bench.ask(topics.service("capture")))) == 2
    assert len(published(bench.ask(topics.service("capture", "capture-main")))) == 1
    assert len(published(bench.ask(topics.SERVICES))) == 3
    assert len(published(bench.ask(b""))) == 5


def test_those_who_ask_for_everything_at_once_are_answered_together() -> None:
    bench = Bench()
    bench.hear(capture("main"), capture("other"))
    assert len(desk_records(bench.ask(topics.DESKS))) == 2
    assert [bench.ask(topics.DESKS) for _ in range(20)] == [[]] * 20
    assert len(desk_records(bench.ask(topics.desk("main")))) == 1
    # An answer goes to all who are subscribed by now, so one is enough.
    assert len(desk_records(bench.wait(1.0))) == 2
    assert desk_records(bench.wait(1.0)) == []
    assert len(desk_records(bench.ask(topics.DESKS))) == 2


def test_what_is_long_gone_is_forgotten() -> None:
    bench = Bench()
    bench.hear(capture("main"), capture("other"), encoder(1))
    bench.ask(topics.lease("other/high"))
    bench.bye(capture("other"))
    bench.wait(1.0)
    bench.hear(capture("other"))
    bench.bye(capture("other"))
    bench.wait(TIMING.forget_s + 0.2)
    assert [r.desk for r in desk_records(bench.ask(topics.DESKS))] == ["main"]
    assert len(published(bench.ask(topics.SERVICES))) == 2
    # Of a desk that is forgotten no new stream is leased.
    assert not the_lease(bench.ask(topics.lease("other/keyframes"))).alive


# --- leases ---------------------------------------------------------------------------------


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
    assert Leased("main/high", "encoder-2", bench.unix_s, Why.ASKED) in effects
    # The load lags behind; what is held counts at once.
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
    # Dated, so that it counts for whoever remembers a lease of an earlier directory.
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


@pytest.mark.parametrize("why", [Why.SILENCE, Why.FAREWELL, Why.REPLACED])
def test_a_lost_encoder_s_leases_move_at_once_by_a_larger_epoch(why: Why) -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    bench.hear(encoder(2, load=0.9))
    if why is Why.SILENCE:
        bench.mute(encoder(1))
        effects = bench.wait(1.2)
    elif why is Why.FAREWELL:
        effects = bench.bye(encoder(1))
    else:
        effects = bench.hear(encoder(1, "2", load=1.0))
    lease = the_lease(effects)
    assert lease.id == "encoder-2"
    assert lease.epoch > first.epoch
    assert Leased("main/high", "encoder-2", lease.epoch, why) in effects


def test_a_restarted_encoder_gets_its_lease_back_by_a_larger_epoch() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1, "old"))
    first = the_lease(bench.ask())
    # In one step, with nothing dead in between.
    second = the_lease(bench.hear(encoder(1, "new")))
    assert (second.id, second.instance) == ("encoder-1", "new")
    assert second.epoch > first.epoch


def test_the_last_encoder_lost_is_told_and_the_epoch_stays() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    first = the_lease(bench.ask())
    effects = bench.bye(encoder(1))
    assert the_lease(effects) == bus.LeaseRecord("main/high", False, "", "", "", "", first.epoch)
    assert Leased("main/high", "", first.epoch, Why.FAREWELL) in effects
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
    assert Leased("main/high", "", first.epoch, Why.UNUSED) in effects
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
    # Moves faster than the wall clock let the epoch run ahead of it.
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
    # Alone, it keeps what it has.
    assert leases(bench.hear(encoder(1, capacity=0))) == []
    effects = bench.hear(encoder(2))
    lease = the_lease(effects)
    assert lease.id == "encoder-2"
    assert lease.epoch > first.epoch
    assert Leased("main/high", "encoder-2", lease.epoch, Why.DRAINED) in effects
    # It gets nothing new, until it says so.
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
    # The next one leaves as well, at once: the first is still at it.
    bench.hear(encoder(3))
    third = the_lease(bench.hear(encoder(2, capacity=0)))
    assert (third.id, third.handover_from) == ("encoder-3", first.epoch)
    # Later only the one that holds it is.
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


def test_a_drained_encoder_of_an_unknown_desk_keeps_it() -> None:
    bench = Bench(settled=False)
    bench.hear(encoder(1, capacity=0, held={"main/high": UNIX}), encoder(2))
    bench.ask()
    assert leases(bench.wait(1.2)) == []
    assert the_lease(bench.hear(capture())).id == "encoder-2"


# --- connections that end --------------------------------------------------------------------


def present(one: bus.Heartbeat) -> bytes:
    return topics.presence(one.id, one.instance)


def test_a_connection_that_ends_makes_silence_count_sooner() -> None:
    bench = Bench()
    one, other = encoder(1), encoder(2)
    bench.hear(capture(), one)
    bench.ask()
    bench.hear(other)
    bench.mute(one)
    bench.leave(present(one))
    assert leases(bench.wait(TIMING.suspect_s - 0.1)) == []
    assert the_lease(bench.wait(0.2)).id == "encoder-2"


def test_a_connection_that_ends_says_nothing_of_who_is_heard_of() -> None:
    bench = Bench()
    one = encoder(1)
    bench.hear(capture(), one)
    bench.ask()
    bench.hear(encoder(2))
    bench.leave(present(one))
    # Nor does that of an older incarnation, or of somebody who was never there.
    bench.leave(topics.presence("encoder-1", "0"))
    bench.leave(topics.presence("nobody", "1"))
    assert leases(bench.wait(5.0)) == []


@pytest.mark.parametrize("topic", [b"present/", b"present/x/", b"present/x//", b"present/X y/1/"])
def test_what_is_no_presence(topic: bytes) -> None:
    with pytest.raises(ProtocolError):
        Bench().ask(topic)


# --- settling -------------------------------------------------------------------------------


def test_after_a_restart_running_streams_stay_where_they_are() -> None:
    bench = Bench(settled=False)
    bench.hear(capture(), encoder(2))
    assert bench.ask() == []
    bench.wait(0.5)
    held = encoder(1, held={"main/high": UNIX - 77}, load=1.0)
    effects = bench.hear(held)
    lease = the_lease(effects)
    assert (lease.id, lease.epoch) == ("encoder-1", UNIX - 77)
    assert Leased("main/high", "encoder-1", UNIX - 77, Why.CLAIMED) in effects
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
    # The other hears of it again, but not at each of its heartbeats.
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


def test_an_epoch_does_not_leave_its_32_bits() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    bench.ask()
    bench.hear(encoder(1, held={"main/high": MAX_EPOCH - 2**16}))
    bench.now += 2**32
    assert the_lease(bench.hear(encoder(1, "2"))).epoch == MAX_EPOCH


# --- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "Encoder"},
        {"kind": ""},
        {"id": "../etc"},
        {"instance": ""},
        {"outlet": "x" * 257},
        {"host": "x" * 257},
        {"capacity": -1},
        {"capacity": 10_001},
        {"load": float("nan")},
        {"load": -0.1},
        {"load": 1.1},
        {"desks": (bus.DeskOffer("A B", 1, 1),)},
        {"desks": (bus.DeskOffer("a", -1, 1),)},
        {"desks": (bus.DeskOffer("a", 1, 32_769),)},
        {"streams": (bus.HeldStream("main", 1),)},
        {"streams": (bus.HeldStream("main/medium", 1),)},
        {"streams": (bus.HeldStream("main/high", 0),)},
        {"streams": (bus.HeldStream("main/high", 2**32),)},
    ],
    ids=str,
)
def test_an_impossible_heartbeat_changes_nothing(wrong: dict[str, Any]) -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1))
    before = published(bench.ask(b""))
    bad = replace(encoder(1, "2"), **wrong)
    with pytest.raises(ProtocolError):
        bench.registry.heartbeat(bad, bench.now, UNIX)
    bench.wait(0.5)
    assert published(bench.ask(b"")) == before
    assert bench.wait(2.0) == []


def test_one_instance_has_one_identity() -> None:
    bench = Bench()
    bench.hear(encoder(1))
    with pytest.raises(ProtocolError, match="another identity"):
        bench.registry.heartbeat(replace(encoder(1), kind="capture"), bench.now, UNIX)


@pytest.mark.parametrize(
    "topic",
    [
        b"main",
        b"desk/main",
        b"desk/Main/",
        b"desk//",
        b"desk/a/b/",
        b"lease/main/medium/",
        b"lease/main/high/x/",
        b"lease/M/high/",
        b"lease/M/",
        b"service/Kind/",
        b"service/a/B/",
        b"service/a/b/c/",
        b"unit/main/high/",
        b"\xff/",
        b"lease/" + b"a" * 300 + b"/high/",
    ],
)
def test_a_topic_that_cannot_be_is_refused(topic: bytes) -> None:
    bench = Bench()
    with pytest.raises(ProtocolError):
        bench.ask(topic)
    with pytest.raises(ProtocolError):
        bench.leave(topic)
    assert bench.registry.counts() == Counts({}, 0, 0, 0)
