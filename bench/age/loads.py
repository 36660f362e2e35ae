"""What moves on the desk while ages are measured. Each load is an X client beside the barcode.

idle    nothing but the clock
type    a terminal in which a line grows by ten characters a second
scroll  a terminal of 80 x 24 that prints 60 lines a second
wide    the same with one that covers most of a 1080p desk
clip    a video of 1280 x 720 at 30 pictures a second (clip.py)
rects   random rectangles, 30 a second (rects.py)
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from bench.processes import module, started

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
_CLIENTS = ("clip", "rects")
NAMES = ("idle", *_TERMINALS, *_CLIENTS)


@contextlib.contextmanager
def running(name: str, display: str) -> Iterator[None]:
    """Start a load on `display`, and end it with the block, which begins when it moves.

    Raises KeyError for any other name.
    """
    if name == "idle":
        yield
    elif name in _CLIENTS:
        command = module(f"bench.age.{name}", "--display", display)
        with started(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError(f"the load {name} ended before it began")
            yield
    else:
        size, script = _TERMINALS[name]
        look = ["-fa", "DejaVu Sans Mono", "-fs", "12", "-bg", "white", "-fg", "black"]
        place = ["-display", display, "-geometry", f"{size}+100+60"]
        with started(["xterm", *place, *look, "-e", sys.executable, "-c", script]):
            yield
