"""What moves on the desk while ages are measured. Each is an X client or a few.

idle    nothing but the clock
type    a terminal in which a line grows by ten characters a second
scroll  a terminal of 80 x 24 that prints 60 lines a second
wide    the same with one that covers most of a 1080p desk
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
import os, sys, time
n = 0
narrow = os.get_terminal_size().columns < 100
while True:
    n += 1
    words = " ".join(f"{(n * k * 7919) % 99991:05d}" for k in range(1, 13 if narrow else 22))
    sys.stdout.write(f"{n:06d} {words}\\n")
    sys.stdout.flush(); time.sleep(1 / 60)
"""
_TERMINALS = {
    "type": ("150x52", _TYPE),
    "scroll": ("80x24", _SCROLL),
    "wide": ("150x52", _SCROLL),
}
NAMES = ("idle", *_TERMINALS)


def start(name: str, display: str) -> list[subprocess.Popen[bytes]]:
    """Start the load on `display`. Raises KeyError for a name that is not one."""
    if name == "idle":
        return []
    size, script = _TERMINALS[name]
    return [
        subprocess.Popen(
            [
                "xterm",
                "-display",
                display,
                "-geometry",
                f"{size}+100+60",
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
                script,
            ]
        )
    ]
