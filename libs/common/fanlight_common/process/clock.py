"""The process's clock: CLOCK_MONOTONIC, which all processes of one host share.

Shells read it, and pass it to pure modules as `now`. Stamps on the bus are in the bus clock, which
is this one on one host and the directory's on a network (`core.bus_clock`, `Worker.now_us`).
"""

import time


def now_s() -> float:
    """Monotonic seconds."""
    return time.monotonic()


def now_us() -> int:
    """Monotonic microseconds."""
    return time.monotonic_ns() // 1000
