"""Whether anybody has room for another unit of a stream, and at which rate.

Pure. Owns the last report of each gateway.

1. A gateway reports at each change, and about once a second: room or none, the rate of its slowest
   viewer, and whether that viewer is in the band of this rendition. A report replaces its last.
2. A report counts for REPORT_TIMEOUT_S. A gateway that says no more is as one that never did.
3. There is room while no report counts, or while one that counts says so: a gateway that says
   nothing still gets pictures.
4. The rate is the least of those in band; of all, where none is in band; none, where no report that
   counts has a rate.
5. Of more than MAX_GATEWAYS the oldest report is dropped.
"""

from typing import NamedTuple

REPORT_TIMEOUT_S = 3.0
MAX_GATEWAYS = 64
"""More than that on one stream is somebody who invents names."""


class _Report(NamedTuple):
    at: float
    room: bool
    kbps: int
    in_band: bool


class RoomPolicy:
    """Skip while every gateway whose report counts has no room."""

    def __init__(self, timeout_s: float = REPORT_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._reports: dict[str, _Report] = {}
        """By gateway, the oldest first."""

    def report(
        self, gateway: str, room: bool, now: float, kbps: int = 0, in_band: bool = True
    ) -> None:
        """What a gateway has reported, see `bus.StreamDemand`. `kbps` 0: it knows no rate."""
        self._reports.pop(gateway, None)
        self._reports[gateway] = _Report(now, room, kbps, in_band)
        if len(self._reports) > MAX_GATEWAYS:
            del self._reports[next(iter(self._reports))]

    def has_room(self, now: float) -> bool:
        """Whether to encode. Forgets reports that count no more."""
        self._forget(now)
        return not self._reports or any(report.room for report in self._reports.values())

    def least_kbps(self, now: float) -> int | None:
        """The rate to hold the stream to; None where nobody knows one. Forgets as `has_room`."""
        self._forget(now)
        rated = [report for report in self._reports.values() if report.kbps]
        in_band = [report for report in rated if report.in_band]
        return min((report.kbps for report in in_band or rated), default=None)

    def silent_at(self) -> float:
        """When the last report ceases to count, if no other comes."""
        latest = max((report.at for report in self._reports.values()), default=0.0)
        return latest + self._timeout_s

    def _forget(self, now: float) -> None:
        self._reports = {
            gateway: report
            for gateway, report in self._reports.items()
            if now < report.at + self._timeout_s
        }
