"""The table of ages: every link and every load, for fanlight or other systems.

    python -m bench.network                               the whole table, about 20 minutes
    python -m bench.network --only 1-retry --load clip    one cell; the others are kept
    python -m bench.network --plots-only                  table and plots from what was measured

It writes `bench/results/NAME.jsonl`, `NAME.md` and plots, and prints the table. A new measurement
replaces the old one of the same cell. If a cell fails, the table and the exit status say so.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from playwright.sync_api import Error as PlaywrightError

from bench import results, table
from bench.age import cell, loads
from bench.systems import Fanlight, System


def arguments(
    description: str | None, name: str, systems: Sequence[str], defaults_to: Sequence[str]
) -> argparse.Namespace:
    """Read the command line. If it names no systems, `defaults_to` are measured."""
    defaults = cell.Settings()
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    keys = sorted({row.key for system in systems for row in table.rows(system)})
    parser.add_argument("--only", nargs="+", choices=keys, default=[], help="these rows")
    parser.add_argument(
        "--load", nargs="+", choices=loads.NAMES, default=list(table.COLUMNS), help="these loads"
    )
    parser.add_argument("--system", nargs="+", choices=systems, default=list(defaults_to))
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="of measuring")
    parser.add_argument("--warm-up", type=float, default=defaults.warm_up, help="seconds before")
    parser.add_argument("--rate", type=float, default=defaults.rate, help="clock marks a second")
    parser.add_argument("--budget", type=float, default=defaults.budget, help="see meter.js")
    parser.add_argument(
        "--times", type=int, default=1, help="runs of each cell; the worst is shown"
    )
    parser.add_argument("--name", default=name, help="of the files under bench/results/")
    parser.add_argument("--plots-only", action="store_true", help="measure nothing")
    return parser.parse_args()


def attempt(system: System, row: table.Row, load: str, settings: cell.Settings) -> dict[str, Any]:
    """Measure one cell. If that fails, return a result that says why."""
    about = {"system": system.name, "row": row.key, "load": load}
    try:
        return about | cell.run(system, load, row.link, row.mode, settings)
    except (PlaywrightError, OSError, RuntimeError, ValueError, cell.NoClockError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        return about | {"link": str(row.link), "mode": row.mode, "error": said}


def run(systems: Mapping[str, System], options: argparse.Namespace) -> int:
    """Measure, write and print. Return how many cells failed."""
    settings = cell.Settings(
        seconds=options.seconds, warm_up=options.warm_up, rate=options.rate, budget=options.budget
    )
    path = results.DIRECTORY / f"{options.name}.jsonl"
    kept = results.Results(path)
    failed = 0
    # The systems take turns, so that what drifts on the machine drifts for all of them.
    keys = list(dict.fromkeys(row.key for name in systems for row in table.rows(name)))
    for key in [] if options.plots_only else keys:
        if options.only and key not in options.only:
            continue
        for load in options.load:
            for name in options.system:
                row = next((row for row in table.rows(name) if row.key == key), None)
                for _ in range(options.times if row else 0):
                    assert row is not None
                    result = attempt(systems[name], row, load, settings)
                    failed += "error" in result
                    kept.add(result)
                    shown = table.cell(row, load, [result])
                    print(f"{name}: {row.label}: {load}: {shown}", file=sys.stderr, flush=True)
    text = results.report(kept.all, systems)
    path.with_suffix(".md").write_text(text)
    print(text)
    plot(path.stem)
    return failed


def plot(name: str) -> None:
    """Draw fanlight and the others into the same plots, if matplotlib is installed."""
    try:
        from bench import plots
    except ModuleNotFoundError as error:
        print(f"no plots: {error}; `scripts/setup bench` installs it", file=sys.stderr)
        return
    together = ("network", "peers")
    names = together if name in together else (name,)
    files = [results.DIRECTORY / f"{each}.jsonl" for each in names]
    measured = [result for file in files if file.exists() for result in results.load(file)]
    measured.sort(key=table.place)
    for path in plots.draw(measured, results.DIRECTORY, "age" if name in together else name):
        print(f"wrote {path.relative_to(results.DIRECTORY.parents[1])}", file=sys.stderr)


def main() -> None:
    """Measure fanlight as the command line says."""
    options = arguments(__doc__, "network", ["fanlight"], ["fanlight"])
    sys.exit(1 if run({"fanlight": Fanlight()}, options) else 0)


if __name__ == "__main__":
    main()
