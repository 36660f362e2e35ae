"""What the screenshot service counts, for /metrics.

Owns every metric of the service but one (`desks.pointer` has its own). The worker's loop and the
pool's threads write them. Labels are formats and status codes, whose number has a bound.
"""

from prometheus_client import Counter, Gauge, Histogram

requests = Counter("fanlight_screenshot_requests", "Screenshots asked for, by answer", ["status"])
encodes = Counter("fanlight_screenshot_encodes", "Pictures encoded", ["format"])
encode_seconds = Histogram(
    "fanlight_screenshot_encode_seconds",
    "Time that one encoding took, in its thread",
    ["format"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
)
answer_seconds = Histogram(
    "fanlight_screenshot_answer_seconds",
    "Time from a request to its answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2),
)
patch_bytes = Histogram(
    "fanlight_screenshot_patch_bytes",
    "Bytes of one patch",
    buckets=(300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
)
age_seconds = Histogram(
    "fanlight_screenshot_picture_age_seconds",
    "Since when a picture may have been out of date when it was chosen for an answer",
    buckets=(0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
failed_desks = Counter(
    "fanlight_screenshot_failed_desks", "Desks that raised an error that nobody foresaw"
)
stale = Counter(
    "fanlight_screenshot_stale", "Last pictures served because the desk has gone or is silent"
)
waiting = Gauge("fanlight_screenshot_waiting", "Requests that are held until their desk changes")
grabs = Counter("fanlight_screenshot_grabs", "Pictures that captures were asked for")
lost = Counter("fanlight_screenshot_lost_frames", "Frames overwritten before they were copied")
