"""What capture counts. Owns the metrics, which the worker serves as /metrics; drops nothing."""

from prometheus_client import Counter, Gauge, Histogram

grabs = Counter("fanlight_capture_grabs", "Pictures taken of the desk")
grabbed_rows = Counter("fanlight_capture_grabbed_rows", "Rows of pixels taken of the desk")
grab_seconds = Histogram(
    "fanlight_capture_grab_seconds",
    "From asking the display for a picture to having it",
    buckets=(0.0003, 0.0006, 0.001, 0.002, 0.004, 0.008, 0.016, 0.033, 0.1, 1.0),
)
frames = Counter("fanlight_capture_frames", "Frame messages published", ["topic", "lane"])
damage_notices = Counter("fanlight_capture_damage_notices", "Times the desk told of a change")
events = Counter("fanlight_capture_events", "Events published", ["kind"])
inputs = Counter("fanlight_capture_inputs", "Input messages taken", ["kind"])
input_seconds = Histogram(
    "fanlight_capture_input_seconds",
    "From an input message's arrival at the gateway until it was injected",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0),
)
inputs_ignored = Counter("fanlight_capture_inputs_ignored", "Input not injected", ["reason"])
input_gaps = Counter("fanlight_capture_input_gaps", "Input messages lost on their way")
releases = Counter("fanlight_capture_releases", "Keys and buttons let go for viewers", ["reason"])
display_losses = Counter("fanlight_capture_display_losses", "Times the display went away")
display_up = Gauge("fanlight_capture_display_up", "1 while the display is there")
x_errors = Counter("fanlight_capture_x_errors", "Errors of the X server that harmed nothing")
clipboard_refused = Counter(
    "fanlight_capture_clipboard_refused", "Clipboard texts not passed on", ["reason"]
)
