"""`python -m bench`, which is `make bench`: every benchmark, one line of JSON each.

Arguments go to `bench.age`, e.g. `--seconds 30`.
"""

import subprocess
import sys
from pathlib import Path

from bench.age import loads


def main() -> None:
    """The age of the painted picture under every load."""
    for load in loads.NAMES:
        subprocess.run(
            [sys.executable, "-m", "bench.age", "--load", load, *sys.argv[1:]],
            cwd=Path(__file__).parents[1],
            check=True,
        )


if __name__ == "__main__":
    main()
