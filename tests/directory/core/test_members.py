"""Who is there, event by event: processes join, fall silent, are replaced, and leave."""

from dataclasses import replace

from fanlight_common.protocol import bus, topics
from fanlight_directory.core.effects import Contested, Effect, Joined, Left, Publish, Reason
from tests.directory.bench import (
    TIMING,
    UNIX,
    Bench,
    beat,
    capture,
    encoder,
    leases,
    published,
    the_lease,
)


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
    gone = [Left("screenshot", "screenshot", "1", Reason.FAREWELL), Publish(topic, dead)]
    assert bench.bye(moved) == gone
    assert bench.bye(moved) == []


def test_silence_is_noticed_within_the_timeout_and_a_step() -> None:
    bench = Bench()
    shot = beat("screenshot", "screenshot")
    bench.hear(shot)
    bench.mute(shot)
    assert bench.wait(0.9) == []
    assert Left("screenshot", "screenshot", "1", Reason.SILENCE) in bench.wait(0.3)


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
        Left("screenshot", "s", "old", Reason.REPLACED),
        Joined("screenshot", "s", "new"),
    ]
    # There is one record, and not one of a death and one of a birth.
    (record,) = published(effects)
    assert record == bus.ServiceRecord("screenshot", "s", True, "new", "h", "")
    # A late heartbeat of the old one changes nothing.
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
    # The winner leaves, so the place is free for the other one, which is alive after all.
    bench.bye(beat("screenshot", "s", "new"))
    assert Joined("screenshot", "s", "old") in bench.hear(old)


def test_the_last_words_of_a_replaced_one_do_not_raise_it() -> None:
    bench = Bench()
    old, new = beat("screenshot", "s", "old"), beat("screenshot", "s", "new")
    bench.hear(old, new)
    bench.bye(new)
    assert bench.registry.heartbeat(old, bench.now, UNIX) == []
    # After it has been silent, the directory has forgotten that it was replaced.
    bench.wait(2.5)
    assert Joined("screenshot", "s", "old") in bench.hear(old)


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


def test_a_process_that_still_sends_is_not_dead_when_a_connection_of_it_ends() -> None:
    bench = Bench()
    one = encoder(1)
    bench.hear(capture(), one)
    bench.ask()
    bench.hear(encoder(2))
    bench.leave(present(one))
    # The connection of an older instance ends, and one of a process that never was there.
    bench.leave(topics.presence("encoder-1", "0"))
    bench.leave(topics.presence("nobody", "1"))
    assert leases(bench.wait(5.0)) == []
