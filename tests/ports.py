"""Port and display numbers for the servers that tests and benches start.

Each worker of pytest-xdist has a range of its own, because two workers that probe at the same time
would find the same number free. A process is given no number twice, because a server may not have
bound the first one yet when the second is asked for.
"""

import contextlib
import os
import random
import socket
from pathlib import Path

# Below the range from which Linux takes the near ends of connections (32768 and up by default): a
# port of that range that is free now may be some connection's own before the server has started.
FIRST, LAST = 10_000, 30_000

# Above the numbers that X servers choose for themselves, which count up from 0.
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

    A test gives its server a number instead of letting the server choose the lowest free one,
    because a server that chooses takes the number of another one that is just being restarted.
    """
    first, last = own_range(FIRST_DISPLAY, FIRST_DISPLAY + DISPLAYS)
    while True:
        number = random.randrange(first, last)
        paths = Path(f"/tmp/.X11-unix/X{number}"), Path(f"/tmp/.X{number}-lock")
        if number not in _given_displays and not any(map(os.path.lexists, paths)):
            _given_displays.add(number)
            return number


def own_range(first: int, last: int) -> tuple[int, int]:
    """Return the part of a range that belongs to this worker of pytest-xdist.

    A process that is no worker has all of it.
    """
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    size = (last - first) // count
    return first + number * size, first + (number + 1) * size
