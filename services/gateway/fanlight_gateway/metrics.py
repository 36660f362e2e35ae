"""What the gateway counts, for /metrics.

Owns every metric of the gateway itself. The worker's loop writes them, and whichever thread serves
/metrics reads them. Labels are desks or reasons, never viewers, whose number has no bound.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class ManyHistogram(Collector):
    """A histogram that takes many observations of one amount at once: 500 viewers make 30,000 a
    second.

    It collects its own samples, because prometheus_client's Histogram takes one observation at a
    time. It has no labels and no lock: only one thread may observe.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        buckets: Sequence[float],
        registry: CollectorRegistry | None = REGISTRY,
    ) -> None:
        """`buckets` are the upper bounds, the lowest first. The bucket +Inf is added."""
        self._name = name
        self._documentation = documentation
        self._bounds = [*map(float, buckets), math.inf]
        self._counts = [0] * len(self._bounds)
        """Observations in each bucket, without those of the buckets below it."""
        self._sum = 0.0
        if registry is not None:
            registry.register(self)

    def observe(self, amount: float) -> None:
        """Count one observation."""
        self.observe_many(amount, 1)

    def observe_many(self, amount: float, count: int) -> None:
        """Count as many observations of this amount."""
        self._counts[bisect_left(self._bounds, amount)] += count
        self._sum += amount * count

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yields the samples, as prometheus_client's Histogram names them."""
        labels = [*map(str, self._bounds[:-1]), "+Inf"]
        buckets = list(zip(labels, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._documentation, buckets, self._sum)


viewers = Gauge("fanlight_gateway_viewers", "Viewers connected", ["role"])
failed = Counter(
    "fanlight_gateway_failed_viewers", "Viewers closed because something of theirs raised an error"
)
closed = Counter("fanlight_gateway_closed_viewers", "Viewers closed by the gateway", ["code"])
rejected = Counter("fanlight_gateway_rejected", "Requests that had no right to it", ["reason"])
units_sent = Counter("fanlight_gateway_units_sent", "Access units sent, over all viewers")
units_dropped = Counter(
    "fanlight_gateway_units_dropped", "Access units not sent to a viewer", ["reason"]
)
rendition_moves = Counter(
    "fanlight_gateway_rendition_moves", "Viewers moved to another rendition", ["to"]
)
video_bytes = Counter("fanlight_gateway_video_bytes", "Bytes of video sent, over all viewers")
_AGES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10)
_BYTES = (10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000)
age_seconds = ManyHistogram(
    "fanlight_gateway_picture_age_seconds",
    "Age of pictures when they were painted, as viewers tell",
    buckets=_AGES,
)
behind_seconds = Gauge(
    "fanlight_gateway_behind_seconds",
    "For how long the viewer that is worst off has not painted what its stream has",
    ["desk"],
)
modes = Gauge(
    "fanlight_gateway_viewers_mode",
    "Viewers by what they are shown: a rendition of video, or screenshots",
    ["mode"],
)
fallbacks = Counter(
    "fanlight_gateway_fallbacks",
    "Viewers that left video for screenshots by themselves, by reason",
    ["reason"],
)
arrival_age_seconds = Histogram(
    "fanlight_gateway_arrival_age_seconds",
    "Age of units when they arrive from the encoder: grab, conversion, encoding and the bus",
    buckets=_AGES,
)
queue_seconds = ManyHistogram(
    "fanlight_gateway_queue_seconds",
    "How long units wait for room on the path of a viewer, those that are sent",
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
)
socket_seconds = Histogram(
    "fanlight_gateway_socket_seconds",
    "How long the kernel takes to take a message where it does not at once",
    buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 20),
)
base_rtt_seconds = Histogram(
    "fanlight_gateway_base_rtt_seconds",
    "Least round trip to a viewer of the last minute, sampled once a second for each",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1),
)
inflation_seconds = Histogram(
    "fanlight_gateway_inflation_seconds",
    "Round trip beyond that, the queue in the network, sampled once a second for each viewer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 1, 3),
)
target_kbps = Histogram(
    "fanlight_gateway_target_kbps",
    "What the path to a viewer is thought to carry, sampled once a second for each",
    buckets=(100, 200, 500, 1000, 2000, 4000, 8000, 16_000, 32_000),
)
window_bytes = Histogram(
    "fanlight_gateway_window_bytes",
    "Bytes that may be on their way to a viewer, sampled once a second for each",
    buckets=_BYTES,
)
in_flight_bytes = Histogram(
    "fanlight_gateway_in_flight_bytes",
    "Bytes that are on their way to a viewer, sampled once a second for each",
    buckets=_BYTES,
)
input_messages = Counter("fanlight_gateway_input_messages", "Input messages passed on", ["type"])
refused = Counter("fanlight_gateway_refused", "Viewers' messages that were not taken", ["reason"])
idr_requests = Counter("fanlight_gateway_idr_requests", "IDRs that encoders were asked for")
screenshots = Counter("fanlight_gateway_screenshots", "Screenshots passed on", ["status"])
