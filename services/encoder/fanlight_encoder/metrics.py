"""What the encoder counts. Owns the metrics, which may be used on every thread; drops nothing."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.016, 0.025, 0.05, 0.1, 0.25)

units = Counter("fanlight_encoder_units", "Units made: idr, delta, patch", ["stream", "kind"])
unit_bytes = Counter("fanlight_encoder_bytes", "Bytes of units made", ["stream", "kind"])
skipped = Counter("fanlight_encoder_skipped", "Frames not encoded, by reason", ["reason"])
encode_seconds = Histogram(
    "fanlight_encoder_encode_seconds", "Encoding a picture as video", buckets=_SECONDS
)
patch_seconds = Histogram(
    "fanlight_encoder_patch_seconds",
    "Making a patch, or finding out that none pays",
    ["outcome"],
    buckets=_SECONDS,
)
convert_seconds = Histogram(
    "fanlight_encoder_convert_seconds", "Converting a picture for the codec", buckets=_SECONDS
)
idr_requested = Counter("fanlight_encoder_idr_requested", "IDR requests that came", ["stream"])
idr_encoded = Counter(
    "fanlight_encoder_idr_encoded",
    "IDRs encoded, by reason: first, asked, gop, failed (the codec), changed (size or codec)",
    ["stream", "reason"],
)
codec_failures = Counter("fanlight_encoder_codec_failures", "Codecs that failed", ["codec"])
rate_kbps = Gauge("fanlight_encoder_rate_kbps", "Rate that a stream is held to", ["stream"])
load = Gauge(
    "fanlight_encoder_load",
    "Share of its capacity's time that is spent on encoding, 0 to 1, over the last seconds",
)
capacity = Gauge("fanlight_encoder_capacity", "Streams that can be encoded side by side")
wait_seconds = Histogram(
    "fanlight_encoder_wait_seconds",
    "From a frame's grab until its encoding begins: the bus, room, rate and threads",
    buckets=(*_SECONDS, 0.5, 1.0),
)
streams = Gauge("fanlight_encoder_streams", "Streams being encoded")
failed_streams = Counter(
    "fanlight_encoder_failed_streams", "Streams that raised an error that nobody foresaw"
)
