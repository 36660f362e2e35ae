"""Port and display numbers for the servers that tests and benches start.

Each worker of pytest-xdist has a range of its own, because two workers that probe at the same time
would find the same number free. No number is given out twice in a process, because the server that
got it first may not have bound it yet.
"""

import contextlib
import os
import random
import socket
from pathlib import Path

# These are below the range from which Linux takes the local ports of connections (32768 and up by
# default). A port of that range may be free now, and taken before the server has started.
FIRST, LAST = 10_000, 30_000

# These are above the numbers that X servers choose for themselves, which count up from 0.
FIRST_DISPLAY, DISPLAYS = 100, 20_000

_given_ports: set[int] = set()
_given_displays: set[int] = set()


def free_port(count: int = 1) -> int:
    """Return the first of `count` ports in a row that nobody listens on now, on any address."""
    first, last = own_range(FIRST, LAST)
    while True:
        port = random.randrange(first, last - count)
        ports = range(port, port + count)
        if not _given_ports.isdisjoint(ports):
            continue
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for each in ports:
                probes.enter_context(socket.socket()).bind(("", each))
            _given_ports.update(ports)
            return port


def free_display() -> int:
    """Return the number of an X display that no server has now.

    A test gives its server a number, because a server that chooses the lowest free one may take
    that of another server which is just being restarted.
    """
    first, last = own_range(FIRST_DISPLAY, FIRST_DISPLAY + DISPLAYS)
    while True:
        number = random.randrange(first, last)
        if number not in _given_displays and not any(map(os.path.lexists, _files_of(number))):
            _given_displays.add(number)
            return number


def clear_display(number: int) -> None:
    """Remove the files that a killed X server of this number left."""
    for path in _files_of(number):
        path.unlink(missing_ok=True)


def _files_of(number: int) -> tuple[Path, Path]:
    return Path(f"/tmp/.X11-unix/X{number}"), Path(f"/tmp/.X{number}-lock")


def own_range(first: int, last: int) -> tuple[int, int]:
    """Return the part of a range that belongs to this worker of pytest-xdist.

    A process that is no worker gets all of it.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (last - first) // count
    return first + number * size, first + (number + 1) * size
