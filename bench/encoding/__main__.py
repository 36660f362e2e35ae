"""What libx264's settings cost and give on what desks show, measured on drawn 1080p desks.

    python -m bench.encoding                           ten minutes; writes bench/results/encoding.*
    python -m bench.encoding --only presets tools      these; the others stay as they were
    python -m bench.encoding --pictures FOLDER         text after a change, enlarged, for eyes
    python -m bench.encoding --short                   does it work? a few seconds, writes no files

It needs no X server and no root. Results are JSON lines, and the same as tables in Markdown, where
the columns are explained. Decision 19 says what was concluded from them.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.encoding import report
from bench.encoding.pictures import draw
from bench.encoding.studies import STUDIES
from bench.results import DIRECTORY, load

FILE = DIRECTORY / "encoding.jsonl"
PAGE = DIRECTORY / "encoding.md"


def main() -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(STUDIES), default=list(STUDIES))
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="only these")
    parser.add_argument("--short", action="store_true", help="does it work? writes no files")
    parser.add_argument("--table-only", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if options.pictures is not None:
        for path in draw(options.pictures, short=options.short):
            print(path, flush=True)
        return 0
    kept = load(FILE) if FILE.exists() and not options.short else []
    for study in [] if options.table_only else options.only:
        began = time.monotonic()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [{"study": study, "at": at, **row} for row in STUDIES[study](options.short)]
        print(f"{study}: took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        if options.short:
            print(json.dumps(rows[0]), flush=True)
            continue
        kept = [row for row in kept if row["study"] != study] + rows
        kept.sort(key=lambda row: list(STUDIES).index(row["study"]))
        FILE.write_text("".join(json.dumps(row) + "\n" for row in kept))
    if not options.short:
        PAGE.write_text(report.page(kept))
        print(PAGE.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
