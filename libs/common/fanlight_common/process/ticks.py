"""What a process does now and then, done at the same moments: it is waking up that costs.

Lives on the worker's loop. A wake-up of an idle process takes 0.2 ms of CPU however little it has
to do then, most of it for memory that is in no cache any more. So whatever repeats happens at the
multiples of its interval, by a clock that all processes of a host share. What has intervals that go
into one another is done in one go; the processes of a host find the same libraries in the caches;
and their directory hears them together. Measured with one desk: 0.65 % of a core for all services
together, 0.9 % where each has moments of its own.
"""

import asyncio
import math

from fanlight_common.process import clock

_CLOSE_S = 0.002
"""Timers are a millisecond coarse and may be early by so much."""


async def tick(interval_s: float) -> float:
    """Sleep until the next multiple of `interval_s`; returns that moment (clock.now_s)."""
    now = clock.now_s()
    due = next_tick(now, interval_s)
    await asyncio.sleep(due - now)
    return due


def next_tick(now: float, interval_s: float) -> float:
    """The first multiple that is not now already."""
    return (math.floor((now + _CLOSE_S) / interval_s) + 1) * interval_s
