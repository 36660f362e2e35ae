"""`python -m bench`, which is `make bench`: the table for fanlight, then for the other systems.

    python -m bench                    about 45 minutes; options as for bench.network
    python -m bench --no-peers         fanlight only
    python -m bench --short            does it all still work? half a minute, no table

Other measurements: `python -m bench.beside`, `bench.swings`, `bench.latency`, `bench.age`.
"""

import subprocess
import sys

from bench import short
from bench.processes import ROOT, module


def main() -> int:
    """Exit status of the worst part."""
    options = sys.argv[1:]
    if "--short" in options:
        return short.main()
    if "--help" in options or "-h" in options:
        print(__doc__)
    parts = ["bench.network", "bench.peers"]
    if "--no-peers" in options:
        options.remove("--no-peers")
        parts.remove("bench.peers")
    commands = [module(part, *options) for part in parts]
    return max(subprocess.run(command, cwd=ROOT, check=False).returncode for command in commands)


if __name__ == "__main__":
    sys.exit(main())
