"""The table of ages for other systems, Selkies and TigerVNC with noVNC: `python -m bench.peers`.

It installs them first (`bench/peers/setup`). Its options are those of `bench.network`, its results
`bench/results/peers.*`. `--system fanlight selkies vnc` measures fanlight in turn with them.
"""

import subprocess
import sys
from pathlib import Path

from bench import network
from bench.peers.selkies import Selkies
from bench.peers.vnc import Vnc
from bench.systems import Fanlight


def main() -> None:
    """Install the other systems, and measure as the command line says."""
    systems = {system.name: system for system in (Fanlight(), Selkies(), Vnc())}
    options = network.arguments(__doc__, "peers", list(systems), [Selkies.name, Vnc.name])
    if not options.plots_only:
        subprocess.run([Path(__file__).with_name("setup")], check=True)
    sys.exit(1 if network.run(systems, options) else 0)


if __name__ == "__main__":
    main()
