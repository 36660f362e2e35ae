"""Runs the main measurements one after the other: `python -m bench`, which is `make bench`.

They are what fanlight costs beside the limit (bench.performance), what libx264's presets and found
scrolls give (bench.encoding), and ages on good and bad links, for fanlight (bench.network) and for
other systems (bench.peers).

    python -m bench                         about an hour
    python -m bench --no-peers              fanlight only
    python -m bench --only 1 --load clip    other options: bench.network and bench.peers with them
    python -m bench --short                 does the meter still work? half a minute, no table

Other measurements: `python -m bench.beside`, `bench.swings`, `bench.latency`, `bench.age`, and all
of `bench.encoding` (ten minutes).
"""

import subprocess
import sys

from bench import short
from bench.processes import ROOT, module


def main() -> int:
    """Run the parts and return the largest of their exit statuses."""
    options = sys.argv[1:]
    if "--short" in options:
        return short.main()
    if "--help" in options or "-h" in options:
        print(__doc__)
    parts = ["bench.network", "bench.peers"]
    without = ["--no-peers"] if "--no-peers" in options else []
    if without:
        options.remove("--no-peers")
        parts.remove("bench.peers")
    commands = [module(part, *options) for part in parts]
    if not options:
        commands.insert(0, module("bench.performance", *without))
        commands.insert(1, module("bench.encoding", "--only", "presets", "scrolling"))
    return max(subprocess.run(command, cwd=ROOT, check=False).returncode for command in commands)


if __name__ == "__main__":
    sys.exit(main())
