"""Ages of the painted picture on this machine, beside those of Selkies and TigerVNC with noVNC.

It uses the meter of `bench.age`; the systems take turns under each load.
"""

import subprocess
from pathlib import Path

from bench import links, peers, systems
from bench.age import cell
from bench.peers.selkies import Selkies
from bench.peers.vnc import Vnc
from bench.performance.rows import Measured
from bench.performance.settings import Settings

LOADS = ("type", "scroll", "clip")
MARKS = 37.0
"""Clock marks a second. At 30, each mark would come at the same place between two animation frames
for as long as a run lasts, and that place is luck: the median of a run was anything from 21 to 31
ms."""


def ages(settings: Settings) -> list[Measured]:
    """Return medians. The limit is the best of the other systems."""
    others: list[systems.System] = []
    if settings.peers:
        subprocess.run([Path(peers.__file__).with_name("setup")], check=True)
        others = [Selkies(), Vnc()]
    how = cell.Settings(
        seconds=settings.age_seconds, warm_up=settings.age_warm_up, size=settings.size, rate=MARKS
    )
    found = []
    for load in LOADS:
        medians: dict[str, list[float]] = {}
        for _ in range(settings.age_rounds):
            for system in (systems.Fanlight(), *others):
                result = cell.run(system, load, links.Link(), "open", how)
                medians.setdefault(system.name, []).append(result["median_ms"])
        mine = medians.pop("fanlight")
        best = min(medians, key=lambda name: min(medians[name]), default="")
        limits = medians.get(best, ())
        found.append(Measured(f"age-{load}", mine, limits, best or "limit", {"others": medians}))
    return found
