"""Lets somebody do something so many times a second. It sleeps on the caller's thread."""

import time
from collections.abc import Iterator


def ticks(rate: float) -> Iterator[int]:
    """Yield 0, 1, 2 ... at `rate` a second. Numbers whose time has passed are left out."""
    began, count = time.monotonic(), 0
    while True:
        yield count
        count = max(count + 1, int((time.monotonic() - began) * rate))
        time.sleep(max(0.0, began + count / rate - time.monotonic()))
