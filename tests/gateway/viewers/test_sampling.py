"""The samples of all viewers add up to the right figures in /metrics."""

import pytest
from prometheus_client import REGISTRY

from fanlight_common.protocol import binary, control
from fanlight_gateway.core.congestion import Congestion, CongestionLimits
from fanlight_gateway.metrics import ManyHistogram
from fanlight_gateway.viewers.sampling import INTERVAL_S, Sampler, ViewerSample
from tests.gateway.clients import Site
from tests.gateway.fakes import FakeEncoder
from tests.screenshot.fakes import until

PATH = Congestion(CongestionLimits(start_kbps=4000))
"""The path of a viewer that has acknowledged one unit after 20 ms."""
PATH.sent(1, 1, False, 100, 0.0)
PATH.acked(1, 1, 0.02)


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"fanlight_gateway_{name}", labels)


def test_the_worst_viewer_of_a_desk_counts_and_a_desk_without_viewers_is_forgotten() -> None:
    sampler = Sampler()
    figures = [
        ViewerSample("here", "high", 0.1, PATH),
        ViewerSample("here", "low", 2.5, None),
        ViewerSample("there", "screenshots", 0.0, None),
    ]
    sampler.tick(figures, 1.0)
    assert value("behind_seconds", desk="here") == 2.5
    assert value("behind_seconds", desk="there") == 0
    assert [value("viewers_mode", mode=m) for m in ("high", "low", "screenshots")] == [1, 1, 1]
    sampler.tick(figures[2:], 1.0 + INTERVAL_S)
    assert value("behind_seconds", desk="here") is None
    assert [value("viewers_mode", mode=m) for m in ("high", "low", "screenshots")] == [0, 0, 1]


def test_paths_are_sampled_once_a_second_where_they_are_known() -> None:
    sampler = Sampler()
    names = ("base_rtt_seconds", "inflation_seconds", "target_kbps", "window_bytes")
    before = [value(f"{name}_count") or 0 for name in names]
    for now in (0.001, INTERVAL_S / 2, INTERVAL_S):
        sampler.tick(
            [ViewerSample("d", "high", 0.0, PATH), ViewerSample("d", "high", 0.0, None)], now
        )
    assert [value(f"{name}_count") for name in names] == [count + 1 for count in before]
    assert PATH.window_bytes == 4_000_000 / 8 * (0.02 + 0.05)
    assert value("window_bytes_bucket", le="50000.0")


def test_many_observations_at_once_are_as_many_single_ones() -> None:
    one = ManyHistogram("one", "", buckets=(0.1, 1), registry=None)
    many = ManyHistogram("many", "", buckets=(0.1, 1), registry=None)
    for amount, count in ((0.0, 3), (0.1, 1), (0.5, 0), (0.7, 2), (9.0, 4)):
        many.observe_many(amount, count)
        for _ in range(count):
            one.observe(amount)

    def values(histogram: ManyHistogram) -> list[tuple[str, str, float]]:
        return [
            (s.name.partition("_")[2], s.labels.get("le", ""), pytest.approx(s.value))
            for metric in histogram.collect()
            for s in metric.samples
            if not s.name.endswith("_created")
        ]

    assert values(many) == values(one)


async def test_a_viewer_that_does_not_paint_falls_behind(site: Site, encoder: FakeEncoder) -> None:
    async with site.viewer(name="viewer-that-is-late", silent=True) as viewer:
        await until(lambda: viewer.units)
        await until(lambda: (value("behind_seconds", desk="main") or 0) > 0)
        await until(lambda: value("viewers_mode", mode="high") == 1)
        unit = viewer.units[-1]
        await viewer.send(binary.Ack(10, unit.epoch, unit.sequence, unit.sequence))
        await until(lambda: value("behind_seconds", desk="main") == 0)
        await viewer.send(control.SetVideoEnabled(False))
        await until(lambda: value("viewers_mode", mode="screenshots") == 1)
    await until(lambda: value("behind_seconds", desk="main") is None)


@pytest.mark.parametrize("reason", list(control.FallbackReason))
async def test_fallbacks_are_counted_by_reason(site: Site, reason: control.FallbackReason) -> None:
    before = value("fallbacks_total", reason=reason) or 0
    async with site.viewer() as viewer:
        await viewer.send(control.FellBack(reason))
        await viewer.ping()
    assert value("fallbacks_total", reason=reason) == before + 1
