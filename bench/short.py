"""Runs all that the meter needs for a few seconds, to see that it works; the figures mean nothing.

It measures one load, on this machine and behind one link, and prints one line of JSON for each. The
exit status is 1 if one fails.
"""

import json

from bench import table
from bench.age import cell
from bench.network import attempt
from bench.systems import Fanlight
from tests.netlab.lab import unavailable

ROWS = (table.Row("none", table.LOCAL), table.Row("5", table.FIVE))
SETTINGS = cell.Settings(seconds=2.0, warm_up=1.0)
LOAD = "type"


def main() -> int:
    """Return how many runs failed."""
    failed = 0
    reason = unavailable()
    for row in ROWS:
        if reason and not row.link.is_local:
            print(json.dumps({"row": row.key, "skipped": reason}))
            continue
        result = attempt(Fanlight(), row, LOAD, SETTINGS)
        result.pop("percentiles_ms", None)
        print(json.dumps(result), flush=True)
        failed += "error" in result
    return min(failed, 1)
