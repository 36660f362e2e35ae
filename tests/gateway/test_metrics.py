"""The gateway's own histogram says the same as prometheus_client's."""

import pytest
from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest

from fanlight_gateway import metrics
from fanlight_gateway.metrics import ManyHistogram

BUCKETS = (0.001, 0.005, 0.1, 1, 2.5, 10)
OBSERVED = ((0.0, 3), (0.001, 1), (0.5, 0), (0.7, 2), (1, 5), (10.0, 1), (99.0, 4))


def lines(registry: CollectorRegistry) -> list[str]:
    """Return the answer of /metrics, sorted, because the order of the samples says nothing."""
    return sorted(generate_latest(registry).decode().splitlines())


def test_many_observations_are_exposed_like_as_many_single_ones() -> None:
    disable_created_metrics()
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    many = ManyHistogram("age_seconds", "Some age", BUCKETS, ours)
    single = Histogram("age_seconds", "Some age", buckets=BUCKETS, registry=theirs)
    assert lines(ours) == lines(theirs), "before anything was observed"
    for amount, count in OBSERVED:
        many.observe_many(amount, count)
        for _ in range(count):
            single.observe(amount)
    many.observe(0.2)
    single.observe(0.2)
    # A sum of floats depends on their order, so it is compared apart.
    assert ours.get_sample_value("age_seconds_sum") == pytest.approx(
        sum(amount * count for amount, count in OBSERVED) + 0.2
    )
    assert [line for line in lines(ours) if "_sum" not in line] == [
        line for line in lines(theirs) if "_sum" not in line
    ]


@pytest.mark.parametrize("histogram", [metrics.age_seconds, metrics.queue_seconds])
def test_the_gateways_histograms_are_registered_with_labels_that_prometheus_knows(
    histogram: ManyHistogram,
) -> None:
    registry = CollectorRegistry()
    twin = Histogram("twin", "", buckets=histogram._bounds, registry=registry)
    (ours,), (theirs,) = histogram.collect(), twin.collect()

    def bounds(family: object) -> list[str]:
        samples = family.samples  # type: ignore[attr-defined]
        return [s.labels["le"] for s in samples if s.name.endswith("_bucket")]

    assert bounds(ours) == bounds(theirs)
