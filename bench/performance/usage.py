"""Reads what processes cost: CPU, memory with shared pages divided, and bytes by TCP."""

import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.processes import process_name

_CPUCLOCK_SCHED = 2
_HEADERS_BYTES = 52
"""The headers of IPv4 and TCP with its time stamps, of each segment."""


def cpu_s(pids: Iterable[int]) -> float:
    """Return the CPU seconds of these processes so far, with those of threads that have ended.

    Raises OSError if one is gone.
    """
    # This is what clock_getcpuclockid(3) does: a process's own clock, in nanoseconds. /proc has
    # ticks of 10 ms.
    return sum(time.clock_gettime_ns(~pid << 3 | _CPUCLOCK_SCHED) for pid in pids) / 1e9


def wakeups(pid: int) -> int:
    """Return how often a process's present threads have slept: the cost of doing nothing."""
    count = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status.read_text(), re.M)
        count += int(found.group(1)) if found else 0
    return count


def children(root: int) -> dict[str, int]:
    """Return `root` and all processes below it by name (process_name), with "+" if it is taken."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found: dict[str, int] = {}
    for pid in sorted(parents):
        above = pid
        while above != root and above in parents:
            above = parents[above]
        if above == root:
            try:
                arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            except OSError:
                continue
            name = process_name(arguments)
            while name in found:
                name += "+"
            found[name] = pid
    return found


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one process in MB. `pss` counts pages of several processes in equal parts."""

    rss: float
    pss: float


def memory(pid: int) -> Memory:
    """Return the memory of a process. Raises OSError if it is gone."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kb = {name: int(value) for name, value in re.findall(r"^(Rss|Pss):\s+(\d+) kB", text, re.M)}
    return Memory(kb["Rss"] / 1000, kb["Pss"] / 1000)


def total_memory(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the PSS of each in MB, and the sums of RSS and PSS as `rss` and `total`."""
    each = {name: memory(pid) for name, pid in pids.items()}
    return {
        **{name: m.pss for name, m in each.items()},
        "rss": sum(m.rss for m in each.values()),
        "total": sum(m.pss for m in each.values()),
    }


@dataclass(frozen=True, slots=True)
class Traffic:
    """What TCP has carried in both directions. `wire_bytes` has the headers of IP and TCP."""

    payload_bytes: int = 0
    wire_bytes: int = 0


def traffic(port: int) -> dict[str, Traffic]:
    """Return the traffic of a local port's present connections, by their other end.

    It needs iproute2's `ss`.
    """
    text = subprocess.run(
        ["ss", "-tinHO", "state", "established", f"sport = :{port}"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return dict(_connection(line) for line in text.splitlines())


def carried(before: Mapping[str, Traffic], after: Mapping[str, Traffic]) -> Traffic:
    """Return the traffic between two moments, of the connections that are there at the second."""
    grown = [(now, before.get(peer, Traffic())) for peer, now in after.items()]
    return Traffic(
        sum(now.payload_bytes - then.payload_bytes for now, then in grown),
        sum(now.wire_bytes - then.wire_bytes for now, then in grown),
    )


def _connection(line: str) -> tuple[str, Traffic]:
    """Return a connection's other end and its traffic, from a line of `ss`.

    `ss` leaves out counters that are 0.
    """

    def counter(name: str) -> int:
        found = re.search(rf"\b{name}:(\d+)", line)
        return int(found.group(1)) if found else 0

    peer = line.split()[3]
    payload = counter("bytes_sent") + counter("bytes_received")
    segments = counter("segs_out") + counter("segs_in")
    return peer, Traffic(payload, payload + _HEADERS_BYTES * segments)
