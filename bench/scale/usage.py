"""What processes use, from /proc: CPU seconds, and memory as the kernel shares it out."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU of a process so far, in seconds; its memory now, in MiB; the moment."""

    at_s: float
    cpu_s: float
    rss_mib: float
    pss_mib: float
    """What it shares with others divided among them, so that sums mean something."""

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Of one process, all its threads. Raises OSError where it is gone."""
        folder = Path(f"/proc/{pid}")
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        sizes = {
            line.split(":")[0]: int(line.split()[1]) / 1024
            for line in (folder / "smaps_rollup").read_text().splitlines()[1:]
        }
        cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
        return cls(time.monotonic(), cpu_s, sizes["Rss"], sizes["Pss"])

    def __sub__(self, before: "Usage") -> "Usage":
        """CPU and time since `before`; memory as it is now."""
        return Usage(self.at_s - before.at_s, self.cpu_s - before.cpu_s, self.rss_mib, self.pss_mib)
