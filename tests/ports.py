"""Ports for the servers that tests and benches start."""

import contextlib
import random
import socket

# Under the range that Linux takes the near ends of connections from (32768 and up, by default):
# what is free there now may be some connection's own before the server has started.
FIRST, LAST = 10_000, 30_000


def free_port(count: int = 1) -> int:
    """The first of `count` ports in a row that nobody listens on now, on any address."""
    while True:
        port = random.randrange(FIRST, LAST)
        with contextlib.suppress(OSError), contextlib.ExitStack() as probes:
            for each in range(port, port + count):
                probes.enter_context(socket.socket()).bind(("", each))
            return port
