"""Asks the directory for its clock, now and then, if the bus is on a network.

Lives on the worker's loop. Owns the questions; `core.bus_clock` works the bus clock out of the
answers. Drops answers that come after the next question was asked.
"""

import asyncio
import itertools
import logging
import time
from functools import partial

from prometheus_client import Counter, Gauge

from fanlight_common.bus.directory_client import DirectoryClient
from fanlight_common.core.bus_clock import BusClock
from fanlight_common.process import clock
from fanlight_common.process.settings import BusSettings
from fanlight_common.process.ticks import tick
from fanlight_common.protocol import bus, topics

log = logging.getLogger(__name__)

QUICK, QUICK_S, SLOW_S = 8, 0.1, 2.0
"""The first QUICK questions are QUICK_S seconds apart, so that one of the answers is good. After
them there is one question each SLOW_S seconds, because clocks drift."""

trip_seconds = Gauge(
    "fanlight_clock_trip_seconds",
    "Round trip to the directory that the bus clock is known by; ages may be wrong by half of it",
)
jumps = Counter("fanlight_clock_jumps", "Times the bus clock turned out to be another one")


def first_guess(settings: BusSettings) -> BusClock:
    """Return the bus clock of a process that has not asked yet. The directory never asks.

    On one host this is the monotonic clock. On a network it is the monotonic clock moved to the
    time of day when the process began, so that the clocks of a directory and of its successor on
    another host are nearly the same.
    """
    if not settings.bus_directory:
        return BusClock(0)
    return BusClock(time.time_ns() // 1000 - clock.now_us())


class ClockSync:
    """Keeps `bus_clock` right."""

    def __init__(self, directory: DirectoryClient, id_: str, bus_clock: BusClock) -> None:
        self._directory = directory
        self._id = id_
        self._clock = bus_clock

    async def run(self) -> None:
        """Ask for ever."""
        for number in itertools.count():
            # Each question has another topic, so that a late answer is not taken for the next one.
            asked_us = clock.now_us()
            end = self._directory.watch(
                topics.clock(self._id, number), partial(self._on_record, asked_us)
            )
            try:
                await (asyncio.sleep(QUICK_S) if number < QUICK else tick(SLOW_S))
            finally:
                end()

    def _on_record(self, asked_us: int, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.ClockRecord):
            return
        jumped_s = self._clock.answered(record.bus_us, asked_us, clock.now_us())
        if jumped_s is not None:
            jumps.inc()
            log.warning("event=clock_jump by_ms=%d", round(jumped_s * 1000))
        if self._clock.trip_s is not None:
            trip_seconds.set(self._clock.trip_s)
