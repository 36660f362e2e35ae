"""What the directory answers to a subscription, and when; topics that it refuses."""

import pytest

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import topics
from fanlight_directory.core.registry import ANSWER_AGAIN_S, Counts
from tests.directory.bench import (
    TIMING,
    Bench,
    capture,
    desk_records,
    encoder,
    published,
    the_lease,
)


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
    # An answer goes to all who have subscribed by then, so one is enough.
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
    # No new stream is leased of a desk that is forgotten.
    assert not the_lease(bench.ask(topics.lease("other/keyframes"))).alive


@pytest.mark.parametrize("topic", [b"present/", b"present/x/", b"present/x//", b"present/X y/1/"])
def test_what_is_no_presence(topic: bytes) -> None:
    with pytest.raises(ProtocolError):
        Bench().ask(topic)


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
