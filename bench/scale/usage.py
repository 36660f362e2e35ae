"""Reads from /proc what processes use: CPU seconds, and memory as the kernel divides it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU of a process so far, in seconds; its memory now, in MiB; the moment (monotonic)."""

    at_s: float
    cpu_s: float
    rss_mib: float
    pss_mib: float
    """Memory that it shares with others is divided among them, so that sums mean something."""

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Return what one process uses, with all its threads. Raises OSError if it is gone."""
        folder = Path(f"/proc/{pid}")
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        sizes = {
            line.split(":")[0]: int(line.split()[1]) / 1024
            for line in (folder / "smaps_rollup").read_text().splitlines()[1:]
        }
        cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
        return cls(time.monotonic(), cpu_s, sizes["Rss"], sizes["Pss"])

    def __sub__(self, before: "Usage") -> "Usage":
        """Return CPU and time since `before`, and the memory as it is now."""
        return Usage(self.at_s - before.at_s, self.cpu_s - before.cpu_s, self.rss_mib, self.pss_mib)
