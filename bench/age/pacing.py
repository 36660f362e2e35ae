"""Doing something so many times a second."""

import time
from collections.abc import Iterator


def ticks(rate: float) -> Iterator[int]:
    """0, 1, 2 ... at `rate` a second; what was missed is left out, not caught up with."""
    began, count = time.monotonic(), 0
    while True:
        yield count
        count = max(count + 1, int((time.monotonic() - began) * rate))
        time.sleep(max(0.0, began + count / rate - time.monotonic()))
