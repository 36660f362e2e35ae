"""The verdicts and figures of `bench.beside`, `bench.latency` and `bench.swings`."""

import pytest

from bench import beside, latency, swings


def test_one_fallback_and_no_return_is_as_it_should_be() -> None:
    assert swings.verdict([(0.0, "?"), (0.2, "video"), (31.0, "locked")])["ok"]
    assert not swings.verdict([(0.2, "video")])["ok"]
    again = swings.verdict([(0.2, "video"), (31.0, "locked"), (40.0, "video"), (71.0, "locked")])
    assert again == {"fallbacks": 2, "returns": 1, "ok": False}


def test_latencies_are_matched_by_order() -> None:
    sent = [("key", 1000.0), ("motion", 1100.0), ("key", 1200.0)]
    came = [("key", 1060.0), ("motion", 1150.0), ("key", 1300.0)]
    found = latency.latencies(sent, came)
    assert (found["events"], found["median_ms"], found["max_ms"]) == (3, 60, 100)
    assert found["key_p95_ms"] == 100
    assert found["motion_p95_ms"] == 50
    assert "button_p95_ms" not in found


def test_what_is_lost_is_an_error() -> None:
    with pytest.raises(ValueError, match="key: 1 were sent and 0 came"):
        latency.latencies([("key", 1000.0)], [])


def test_ratios_to_alone() -> None:
    phases = {
        "alone": {"median_ms": 20, "p95_ms": 40},
        "opens": {"median_ms": 22, "p95_ms": 40},
    }
    assert beside.ratios(phases) == {"opens": {"median_ms": 1.1, "p95_ms": 1.0}}
