"""Heartbeats that are refused, and streams of a later release that are left out of one."""

from dataclasses import replace
from typing import Any

import pytest

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol import bus
from fanlight_directory.core.checks import MAX_EPOCH, check_heartbeat, without_unknown_streams
from tests.directory.bench import IMPOSSIBLE, capture, encoder


@pytest.mark.parametrize("wrong", IMPOSSIBLE, ids=str)
def test_an_impossible_heartbeat_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        check_heartbeat(replace(encoder(1), **wrong))


@pytest.mark.parametrize("beat", [capture(), encoder(1), encoder(1, held={"main/high": 1})])
def test_a_possible_heartbeat_passes(beat: bus.Heartbeat) -> None:
    check_heartbeat(beat)


def test_a_claim_leaves_room_for_larger_epochs() -> None:
    check_heartbeat(encoder(1, held={"main/high": MAX_EPOCH - 2**16}))
    with pytest.raises(ProtocolError, match="epoch"):
        check_heartbeat(encoder(1, held={"main/high": MAX_EPOCH - 2**16 + 1}))


def test_a_heartbeat_of_known_streams_stays_the_same_object() -> None:
    beat = encoder(1, held={"main/high": 1})
    assert without_unknown_streams(beat) == (beat, [])
    assert without_unknown_streams(beat)[0] is beat


def test_streams_of_a_later_release_are_left_out_and_the_rest_is_kept() -> None:
    beat = encoder(1, held={"main/high": 1, "main/high.av2": 2, "not a stream": 3})
    known, unknown = without_unknown_streams(beat)
    assert [held.stream for held in known.streams] == ["main/high", "not a stream"]
    assert len(unknown) == 1
    assert replace(known, streams=beat.streams) == beat
