"""The process's clock: CLOCK_MONOTONIC, which all processes of one host share.

Shells read it, and pass it to pure modules as `now`. Inside a process time is in seconds (float);
microseconds (int) are for stamps, which go onto the wire. Stamps on the bus are in the bus clock,
which is this clock on one host and the directory's on a network (`core.bus_clock`,
`Worker.now_us`). Owns nothing, and may be called from any thread.
"""

import time


def now_s() -> float:
    """Return monotonic seconds."""
    return time.monotonic()


def now_us() -> int:
    """Return monotonic microseconds."""
    return time.monotonic_ns() // 1000
