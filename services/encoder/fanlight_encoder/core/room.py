"""Whether any gateway has room for another unit of a stream, and at which rate.

Pure; belongs to one stream. Owns the last report of each gateway, and drops old ones.

1. A gateway reports at each change, and about once a second: room or none, the rate of its slowest
   viewer, and whether that viewer is in the band of this rendition. A report replaces the gateway's
   last one.
2. A report counts for REPORT_TIMEOUT_S. After that its gateway is treated as if it had never
   reported.
3. There is room while no report counts, or while one that counts says so. So a gateway that does
   not report still gets pictures.
4. The rate is the least rate of the reports in band. If none is in band it is the least rate of
   all, and if no report that counts has a rate there is none.
5. If there are more than MAX_GATEWAYS, the oldest report is dropped.
"""

from typing import NamedTuple

REPORT_TIMEOUT_S = 3.0
MAX_GATEWAYS = 64
"""If one stream has more, somebody invents names of gateways."""


class _Report(NamedTuple):
    at: float
    room: bool
    kbps: int
    in_band: bool


class RoomPolicy:
    """The reports of a stream's gateways, and what follows from them."""

    def __init__(self, timeout_s: float = REPORT_TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._reports: dict[str, _Report] = {}
        """By gateway, the oldest first."""

    def report(
        self, gateway: str, room: bool, now: float, kbps: int = 0, in_band: bool = True
    ) -> None:
        """Take in a gateway's report, see `bus.StreamDemand`. `kbps` 0: it knows no rate."""
        self._reports.pop(gateway, None)
        self._reports[gateway] = _Report(now, room, kbps, in_band)
        if len(self._reports) > MAX_GATEWAYS:
            del self._reports[next(iter(self._reports))]

    def has_room(self, now: float) -> bool:
        """Return whether to encode. Forgets reports that count no more."""
        self._forget(now)
        return not self._reports or any(report.room for report in self._reports.values())

    def least_kbps(self, now: float) -> int | None:
        """Return the rate to hold the stream to, None if unknown. Forgets as `has_room` does."""
        self._forget(now)
        rated = [report for report in self._reports.values() if report.kbps]
        in_band = [report for report in rated if report.in_band]
        return min((report.kbps for report in in_band or rated), default=None)

    def silent_at(self) -> float:
        """Return when the last report ceases to count, if no other comes."""
        latest = max((report.at for report in self._reports.values()), default=0.0)
        return latest + self._timeout_s

    def _forget(self, now: float) -> None:
        self._reports = {
            gateway: report
            for gateway, report in self._reports.items()
            if now < report.at + self._timeout_s
        }
