"""The directory among many, in virtual time: what `make bench-scale` simulates, in short."""

from dataclasses import replace

import pytest

from bench.scale.directory import Population, memory_bytes, simulate
from bench.scale.world import BEAT_S, LATENCY_S, RECONNECT_S, TICK_S, TIMING
from fanlight_directory.core.placement import Rules

SMALL = Population(
    desks=100, encoders=24, viewers=1000, gateways=4, hosts=6, encoder_s=60, capture_s=120,
    gateway_s=60,
)  # fmt: skip
SILENCE_S = TIMING.timeout_s + TICK_S
MESSAGES_S = 10 * LATENCY_S
DOWN_S = 15.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_comes_goes_or_dies_the_promises_hold(seed: int) -> None:
    result = simulate(SMALL, Rules(), 90.0, seed)
    assert result["virtual_s"] / 6 == DOWN_S
    # No epoch went back, no two encoders encoded a stream by one epoch.
    assert result["violations"] == []
    # In the end every stream that is watched is encoded, by the encoder that its viewers know.
    assert result["broken_at_end"] == 0
    assert result["leases"] >= result["streams"] > 100
    repairs = result["repairs_s"]
    assert repairs["first"]["max"] < MESSAGES_S
    assert repairs["silence"]["count"] > 20
    assert repairs["silence"]["median"] < SILENCE_S + MESSAGES_S
    # The encoder that got a stream may be dead as well, before anybody knows.
    assert repairs["silence"]["max"] < 2 * SILENCE_S + BEAT_S
    assert repairs["moved"]["median"] < MESSAGES_S
    assert repairs["moved"]["max"] < 2 * SILENCE_S
    # Streams that broke meanwhile wait until the directory is back and knows everybody.
    back_s = RECONNECT_S[1] + TIMING.settle_s + 2 * SILENCE_S + BEAT_S
    assert repairs["directory away"]["max"] < DOWN_S + back_s
    assert result["spread"]["even_percent"] > 95
    assert result["spread"]["near_percent"] > 90
    assert result["spread_in_peace"]["even_percent"] > 95


def test_a_stream_that_runs_does_not_notice_that_the_directory_is_away() -> None:
    calm = replace(SMALL, encoder_s=1e9, capture_s=1e9, gateway_s=1e9, stay_s=1e9)
    result = simulate(calm, Rules(), 90.0)
    assert result["violations"] == []
    assert result["broken_at_end"] == 0
    assert set(result["repairs_s"]) == {"first"}
    assert result["moves_per_s"] < 0.5


def test_locality_is_had_for_evenness() -> None:
    result = simulate(replace(SMALL, skew=0.8), Rules(locality=0.0), 60.0, directory_dies=False)
    near = simulate(replace(SMALL, skew=0.8), Rules(locality=1.0), 60.0, directory_dies=False)
    assert near["spread"]["near_percent"] > result["spread"]["near_percent"]
    assert near["spread_in_peace"]["furthest"] > result["spread_in_peace"]["furthest"]


def test_what_a_process_and_a_stream_cost_is_kilobytes() -> None:
    memory = memory_bytes(200, 40)
    assert 0 < memory["process"] < 10_000
    assert 0 < memory["stream"] < 10_000
