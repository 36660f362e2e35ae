"""One clock for all hosts: the directory's, as a process knows it from asking.

Pure; a `BusClock` is changed on the worker's loop alone. Owns the answers of the last minute, and
drops those that are older or that took too long.

Monotonic clocks of two hosts do not compare, because each counts from its own boot. Therefore every
stamp on the bus, and so every age and deadline that crosses it, is in the directory's clock. A
process asks for that clock now and then. An answer may be wrong by half of its round trip, so the
answer with the shortest round trip of the last minute counts. On one host nobody asks: the bus
clock is the monotonic clock, which all processes share.

A stamp is a whole number of microseconds (`_us`), because it goes onto the wire as it is, and a
float of seconds since the epoch would lose parts of it. A duration is in seconds (`_s`), as
everywhere in a process. `own` is this process's monotonic clock.
"""

from dataclasses import dataclass

WINDOW_S = 60.0
LONGEST_TRIP_S = 1.0
"""An answer that took more seconds is dropped, because a process did not run meanwhile."""
_DRIFT = 200e-6
"""Seconds by which two clocks may run apart in a second. Crystals drift by 20 to 50e-6."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at_us: int
    trip_s: float
    offset_us: int

    def agrees(self, other: "_Sample") -> bool:
        """Can both be true of one pair of clocks?"""
        trips_us = (self.trip_s + other.trip_s) * 1e6
        error_us = trips_us / 2 + _DRIFT * abs(self.at_us - other.at_us)
        return abs(self.offset_us - other.offset_us) <= error_us + 1


class BusClock:
    """The bus clock: it is `offset_us` ahead of this process's own, which is a guess at first."""

    def __init__(self, offset_us: int) -> None:
        self.offset_us = offset_us
        self._samples: list[_Sample] = []

    @property
    def trip_s(self) -> float | None:
        """The round trip of the answer that the offset comes from, None for a guess."""
        return self._best.trip_s if self._samples else None

    def at(self, own_us: int) -> int:
        """Return the bus clock at a moment of this process's own clock."""
        return own_us + self.offset_us

    def answered(self, bus_us: int, asked_us: int, own_us: int) -> float | None:
        """Take in an answer: the directory's clock was `bus_us`. It was asked at `asked_us`.

        `own_us` is now. Both are of this process's own clock.

        Changes `offset_us`. Returns by how many seconds the bus clock has jumped if the answer does
        not fit the earlier ones, because another directory answers; those are forgotten then.
        Returns None otherwise.
        """
        trip_s = (own_us - asked_us) / 1e6
        if not 0 <= trip_s <= LONGEST_TRIP_S:
            return None
        sample = _Sample(own_us, trip_s, bus_us - (asked_us + own_us) // 2)
        before_us, known = self.offset_us, bool(self._samples)
        jumped = known and not sample.agrees(self._best)
        if jumped:
            self._samples.clear()
        oldest_us = own_us - WINDOW_S * 1e6
        self._samples = [s for s in self._samples if s.at_us > oldest_us]
        self._samples.append(sample)
        self.offset_us = self._best.offset_us
        return (self.offset_us - before_us) / 1e6 if jumped else None

    @property
    def _best(self) -> _Sample:
        return min(self._samples, key=lambda sample: sample.trip_s)
