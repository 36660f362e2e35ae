"""Measures how fanlight grows: `python -m bench.scale`, which is `make bench-scale`.

    python -m bench.scale                 all of it, about ten minutes on two cores
    python -m bench.scale --part desks    one part: desks, heartbeats, simulation or locality
    python -m bench.scale --short         does it all still work? half a minute, nothing is kept

`desks`: up to 50 desks of 320x180 with 4 encoders, 200 viewers and 2 gateways, added step by step,
also over tcp with keys. `heartbeats`: the directory under the heartbeats of many. `simulation`: the
directory alone, among 1,000 desks, 200 encoders and 10,000 viewers, in virtual time. `locality`:
what it brings there to prefer the desk's host. Results are in `bench/results/scale.*`.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bench.results import DIRECTORY, load
from bench.scale import report
from bench.scale.desks import Plan, measure
from bench.scale.directory import Population, memory_bytes, simulate
from bench.scale.heartbeats import measure as measure_heartbeats
from bench.scale.stack import Deployment
from fanlight_directory.core.placement import Rules

PARTS = ("desks", "heartbeats", "simulation", "locality")
QUIET_LOAD = 1.0


def main() -> int:
    """Measure as the command line says, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--fps", type=float, default=5.0, help="pictures a second of each desk")
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    parts = options.part or list(PARTS)
    if options.short:
        for result in _results(parts, options.fps, short=True):
            print(json.dumps(result), flush=True)
        return 0
    if os.getloadavg()[0] > QUIET_LOAD:
        print(f"this machine is busy (load {os.getloadavg()[0]:.1f})", file=sys.stderr)
    for part in (part for part in PARTS if part in parts):
        new: list[dict[str, Any]] = []
        for result in _results([part], options.fps, short=False):
            at = datetime.now(UTC).isoformat(timespec="seconds")
            new.append({"at": at, "load": round(os.getloadavg()[0], 1), **result})
            print(json.dumps(new[-1]), flush=True)
        keep(part, new)
    print((DIRECTORY / "scale.md").read_text())
    return 0


def keep(part: str, new: Sequence[dict[str, Any]]) -> None:
    """Replace the old results of a part, and draw and write everything."""
    path = DIRECTORY / "scale.jsonl"
    old = load(path) if path.exists() else []
    results = [result for result in old if result["part"] != part] + list(new)
    results.sort(key=lambda result: PARTS.index(result["part"]))
    path.write_text("".join(json.dumps(result) + "\n" for result in results))
    (DIRECTORY / "scale.md").write_text(report.report(results))
    from bench.scale import plots  # not at the top, because only the bench extra has matplotlib

    plots.draw(results, DIRECTORY)


def _results(parts: Iterable[str], fps: float, short: bool) -> Iterator[dict[str, Any]]:
    for part in PARTS:
        if part in parts:
            for result in {
                "desks": _desks,
                "heartbeats": _heartbeats,
                "simulation": _simulation,
                "locality": _locality,
            }[part](fps, short):
                yield {"part": part, **result}


def _desks(fps: float, short: bool) -> Iterator[dict[str, Any]]:
    if short:
        deployment = Deployment(fps=fps, encoders=2)
        yield from measure(deployment, Plan((1, 3), 2, idle_s=1, settle_s=1, watched_s=3))
        return
    yield from measure(Deployment(fps=fps), Plan())
    yield from measure(Deployment(fps=fps, bus="tcp"), Plan((1, 50)))


def _heartbeats(fps: float, short: bool) -> Iterator[dict[str, Any]]:
    for desks in (20,) if short else (100, 250, 500, 1000, 2000, 4000):
        yield measure_heartbeats(desks, max(1, desks // 5), 1.0 if short else 10.0)


def _simulation(fps: float, short: bool) -> Iterator[dict[str, Any]]:
    large = Population()
    small = replace(large, desks=50, encoders=10, viewers=500, gateways=5, hosts=5)
    huge = replace(large, desks=5000, encoders=1000, viewers=50_000, gateways=50, hosts=250)
    for population, seconds in (
        ((small, 60),) if short else ((small, 600), (large, 600), (huge, 120))
    ):
        result = simulate(population, Rules(), seconds)
        memory = memory_bytes(population.desks, population.encoders)
        yield {**result, "memory_bytes": memory}


def _locality(fps: float, short: bool) -> Iterator[dict[str, Any]]:
    size = Population(desks=50, encoders=10, viewers=500, gateways=5, hosts=5)
    size = size if short else Population()
    for skew in (0.0, 0.8):
        for locality in (0.5,) if short else (0.0, 0.25, 0.5, 1.0):
            population = replace(size, skew=skew)
            yield simulate(
                population, Rules(locality=locality), 30 if short else 120, directory_dies=False
            )


if __name__ == "__main__":
    sys.exit(main())
