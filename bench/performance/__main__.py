"""The performance table: `python -m bench.performance [--only pictures fanout] [--no-peers]`.

Every figure stands beside its limit, and the two are measured by turns in one run;
docs/performance.md describes each. This writes `bench/results/performance.jsonl` and plots, puts
the table into that page, and prints it. A new measurement replaces the old one of the same figure.
If a part fails, stderr and the exit status say so.

    python -m bench.performance --no-peers             about eight minutes
    python -m bench.performance --only memory --hours 1
    python -m bench.performance --short                a minute, one line of JSON a part, no files
    python -m bench.performance --plots-only           table and plots from what was measured
"""

import argparse
import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from playwright.sync_api import Error as PlaywrightError

from bench.age.cell import NoClockError
from bench.performance import ages, fanout, lasting, opening, pictures, quiet, rows, screenshots
from bench.performance.rows import Measured
from bench.performance.settings import SHORT, Settings
from bench.processes import ROOT
from bench.results import DIRECTORY

PARTS: Mapping[str, Callable[[Settings], Sequence[Measured]]] = {
    "pictures": pictures.printing,
    "h264": pictures.printing_h264,
    "typing": pictures.typing,
    "idle": quiet.idle,
    "nobody": quiet.nobody,
    "fanout": fanout.fanout,
    "screenshots": screenshots.screenshots,
    "polling": screenshots.polling,
    "opening": opening.opening,
    "age": ages.ages,
    "memory": lasting.lasting,
}
FILE = DIRECTORY / "performance.jsonl"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
PAGE = ROOT / "docs" / "performance.md"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    defaults = Settings()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rounds", type=int, help=f"turns of each; {defaults.rounds}")
    parser.add_argument("--seconds", type=float, help=f"of a turn; {defaults.seconds:g}")
    parser.add_argument("--hours", type=float, help=f"of watching memory; {defaults.hours:g}")
    parser.add_argument("--viewers", type=int, help=f"of the fan-out; {defaults.viewers}")
    parser.add_argument("--no-peers", action="store_true", help="without the other systems")
    parser.add_argument("--short", action="store_true", help="does it work? writes no files")
    parser.add_argument("--plots-only", action="store_true", help="measure nothing")
    return parser.parse_args()


def settings_of(options: argparse.Namespace) -> Settings:
    """Return the default or the short settings, with the changes that the command line asks for."""
    named = ("rounds", "seconds", "hours", "viewers")
    said = {name: getattr(options, name) for name in named if getattr(options, name) is not None}
    if options.no_peers:
        said["peers"] = False
    return dataclasses.replace(SHORT if options.short else Settings(), **said)


def measure(parts: Sequence[str], settings: Settings, *, short: bool) -> int:
    """Measure the parts, keep each as soon as it is there, and return how many failed."""
    failed = 0
    for part in parts:
        began = time.monotonic()
        try:
            found = PARTS[part](settings)
        except (
            PlaywrightError, OSError, RuntimeError, ValueError, NoClockError, ExceptionGroup,
            subprocess.SubprocessError,
        ) as error:  # fmt: skip
            failed += 1
            print(f"{part}: failed: {error}", file=sys.stderr, flush=True)
            continue
        took_s = time.monotonic() - began
        for result in found:
            if short:
                print(json.dumps({"part": part, **result.as_dict()}), flush=True)
            else:
                print(f"{part}: {rows.line(result)}", file=sys.stderr, flush=True)
        print(f"{part}: took {took_s:.0f} s", file=sys.stderr, flush=True)
        if not short:
            keep(found)
    return failed


def kept() -> dict[str, dict[str, object]]:
    """Return the lines of the file, by figure."""
    if not FILE.exists():
        return {}
    lines = [json.loads(line) for line in FILE.read_text().splitlines()]
    return {line["figure"]: line for line in lines if line["figure"] in rows.FIGURES}


def keep(found: Sequence[Measured]) -> None:
    """Write these measurements in place of the old ones of the same figures."""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    lines = kept() | {result.key: {"at": at, **result.as_dict()} for result in found}
    FILE.parent.mkdir(parents=True, exist_ok=True)
    ordered = [lines[key] for key in rows.FIGURES if key in lines]
    FILE.write_text("".join(json.dumps(line) + "\n" for line in ordered))


def with_table(page: str, text: str) -> str:
    """Return the page with another table between its marks. Raises ValueError if it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no place for the table: {BEGIN} and {END}")
    return f"{before}{begin}\n\n{text}\n{end}{after}"


def report() -> None:
    """Write and print the table, and draw plots, from the file."""
    lines = kept()
    results = [rows.measured(line) for line in lines.values()]
    times = sorted(str(line["at"])[:16].replace("T", " ") for line in lines.values())
    when = f"Measured from {times[0]} to {times[-1]} UTC.\n\n" if times else ""
    text = when + rows.table(results)
    PAGE.write_text(with_table(PAGE.read_text(), text))
    print(text)
    try:
        from bench.performance import plots
    except ModuleNotFoundError as error:
        print(f"no plots: {error}; `scripts/setup bench` installs it", file=sys.stderr)
        return
    for path in plots.draw(results, DIRECTORY):
        print(f"wrote {path.relative_to(DIRECTORY.parents[1])}", file=sys.stderr)


def main() -> int:
    """Measure as the command line says."""
    options = arguments()
    failed = 0
    if not options.plots_only:
        failed = measure(options.only, settings_of(options), short=options.short)
    if not options.short:
        report()
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
