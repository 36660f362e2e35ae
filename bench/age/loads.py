"""What moves on the desk while ages are measured. Each is an X client or a few.

idle    nothing but the clock
type    a terminal in which a line grows by ten characters a second
scroll  a terminal that prints 60 lines a second
"""

import subprocess
import sys

_TYPE = """
import sys, time
while True:
    for c in "the quick brown fox jumps over the lazy dog ":
        sys.stdout.write(c); sys.stdout.flush(); time.sleep(0.1)
"""
_SCROLL = """
import sys, time
n = 0
while True:
    n += 1
    words = " ".join(f"{(n * k * 7919) % 99991:05d}" for k in range(1, 22))
    sys.stdout.write(f"{n:06d} {words}\\n")
    sys.stdout.flush(); time.sleep(1 / 60)
"""
_TERMINALS = {"type": _TYPE, "scroll": _SCROLL}
NAMES = ("idle", *_TERMINALS)


def start(name: str, display: str) -> list[subprocess.Popen[bytes]]:
    """Start the load on `display`. Raises KeyError for a name that is not one."""
    if name == "idle":
        return []
    return [
        subprocess.Popen(
            [
                "xterm",
                "-display",
                display,
                "-geometry",
                "150x52+100+60",
                "-fa",
                "DejaVu Sans Mono",
                "-fs",
                "12",
                "-bg",
                "white",
                "-fg",
                "black",
                "-e",
                sys.executable,
                "-c",
                _TERMINALS[name],
            ]
        )
    ]
