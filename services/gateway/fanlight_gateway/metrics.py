"""What the gateway counts."""

from prometheus_client import Counter, Gauge, Histogram

viewers = Gauge("fanlight_gateway_viewers", "Viewers connected", ["role"])
closed = Counter("fanlight_gateway_closed_viewers", "Viewers closed by the gateway", ["code"])
rejected = Counter("fanlight_gateway_rejected", "Requests that had no right to it", ["why"])
units_sent = Counter("fanlight_gateway_units_sent", "Access units sent, over all viewers")
units_dropped = Counter(
    "fanlight_gateway_units_dropped", "Access units not sent to a viewer", ["reason"]
)
rendition_moves = Counter(
    "fanlight_gateway_rendition_moves", "Viewers moved to another rendition", ["to"]
)
video_bytes = Counter("fanlight_gateway_video_bytes", "Bytes of video sent, over all viewers")
age_seconds = Histogram(
    "fanlight_gateway_picture_age_seconds",
    "Age of pictures when they were painted, as viewers tell",
    buckets=(0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10),
)
input_messages = Counter("fanlight_gateway_input_messages", "Input messages passed on", ["type"])
refused = Counter("fanlight_gateway_refused", "Viewers' messages that were not taken", ["why"])
idr_requests = Counter("fanlight_gateway_idr_requests", "IDRs that encoders were asked for")
screenshots = Counter("fanlight_gateway_screenshots", "Screenshots passed on", ["status"])
