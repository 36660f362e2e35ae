"""The bus clock: CLOCK_MONOTONIC, which every process of one host shares.

Shells read it and hand it down; pure modules get `now` as an argument.
"""

import time


def now_s() -> float:
    """Bus clock, seconds."""
    return time.monotonic()


def now_us() -> int:
    """Bus clock, microseconds."""
    return time.monotonic_ns() // 1000
