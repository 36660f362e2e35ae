"""The directory's state machine as a whole: when a tick is due, counts, bad heartbeats."""

import math
from dataclasses import replace
from typing import Any

import pytest

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import topics
from fanlight_directory.core.effects import Left, Reason
from fanlight_directory.core.registry import Counts
from tests.directory.bench import (
    IMPOSSIBLE,
    TIMING,
    UNIX,
    Bench,
    beat,
    capture,
    encoder,
    published,
)


def test_a_tick_when_it_is_due_sees_whom_nobody_hears_and_one_before_does_not() -> None:
    bench = Bench()
    assert bench.registry.due_at() == math.inf, "nobody is there, nothing to settle"
    first, second = beat("screenshot", "first"), beat("screenshot", "second")
    bench.hear(first)
    bench.now += 0.25
    bench.hear(second)
    due_at = bench.registry.due_at()
    assert due_at == bench.now - 0.25 + TIMING.timeout_s
    # It has to tick in between, or it would conclude that it did not run itself in that time.
    for earlier_s in (0.6, 0.3):
        assert bench.registry.tick(due_at - earlier_s, bench.unix_s) == []
    assert bench.registry.tick(due_at, bench.unix_s) == []
    left = bench.registry.tick(due_at + 0.01, bench.unix_s)
    assert Left("screenshot", "first", "1", Reason.SILENCE) in left
    assert bench.registry.due_at() == due_at + 0.25


def test_counts() -> None:
    bench = Bench()
    bench.hear(capture(), encoder(1), encoder(2))
    bench.ask()
    bench.ask(topics.lease("elsewhere/high"))
    assert bench.registry.counts() == Counts({"capture": 1, "encoder": 2}, 1, 1, 1)


@pytest.mark.parametrize("wrong", IMPOSSIBLE, ids=str)
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
