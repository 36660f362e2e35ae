"""Measures the laboratory by sockets on both sides, in one process and on one clock."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

from tests.netlab.lab import Lab

HEADERS_BYTES = 28
"""The headers of IP and UDP."""


class Probes:
    """Sends UDP packets from near to far, or from far to near, each with the time it was sent.

    A thread of its own receives them.
    """

    def __init__(self, sender: socket.socket, receiver: socket.socket) -> None:
        self.delays_ms: list[float] = []
        """One-way times of the packets that arrived, in the order of arrival."""
        self.numbers: list[int] = []
        self._sent = 0
        self._sender, self._receiver = sender, receiver
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def send(self, count: int = 1, size_bytes: int = 100, every_s: float = 0.0) -> None:
        """Send packets of this size, headers included; without a pause they are a burst."""
        for _ in range(count):
            head = struct.pack("!dI", time.monotonic(), self._sent)
            self._sender.send(head.ljust(size_bytes - HEADERS_BYTES, b"\0"))
            self._sent += 1
            if every_s:
                time.sleep(every_s)  # the packets have to be so far apart

    def wait(self, count: int, limit_s: float = 30.0) -> None:
        """Wait until so many have arrived."""
        deadline = time.monotonic() + limit_s
        while len(self.delays_ms) < count:
            assert time.monotonic() < deadline, f"{len(self.delays_ms)} of {count} arrived"
            time.sleep(0.005)

    def close(self) -> None:
        """Stop receiving, and end the thread."""
        with contextlib.suppress(OSError):
            self._receiver.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)

    def _receive(self) -> None:
        while data := self._receiver.recv(2048):
            sent_at, number = struct.unpack_from("!dI", data)
            self.delays_ms.append((time.monotonic() - sent_at) * 1e3)
            self.numbers.append(number)


@contextlib.contextmanager
def probes(lab: Lab, *, up: bool = False) -> Iterator[Probes]:
    """Open probes through a laboratory, from near to far, or from far to near if `up`."""
    with contextlib.ExitStack() as stack:
        near = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        with lab.inside():
            far = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        for end, address in ((near, lab.near), (far, lab.far)):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            end.bind((address, 0))
        near.connect(far.getsockname())
        far.connect(near.getsockname())
        made = Probes(far, near) if up else Probes(near, far)
        stack.callback(made.close)
        yield made


@contextlib.contextmanager
def tcp(lab: Lab) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Open a connection from the far side, and yield its near end and its far one."""
    with socket.create_server((lab.near, 0)) as server:
        with lab.inside():
            far = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with far:
            far.connect(server.getsockname())
            near, _ = server.accept()
            with near:
                yield near, far


def goodput_mbit(source: socket.socket, sink: socket.socket, warm_s: float, for_s: float) -> float:
    """Return the Mbit/s of payload that TCP carries, after a while of warming up."""

    def pump() -> None:
        with contextlib.suppress(OSError):
            while True:
                source.sendall(bytes(65536))

    pumping = threading.Thread(target=pump, daemon=True)
    pumping.start()
    begin, received, first = time.monotonic(), 0, None
    while True:
        got = len(sink.recv(65536))
        now = time.monotonic()
        if now < begin + warm_s:
            continue
        if first is None:
            first = now  # these bytes came before the clock was started
            continue
        received += got
        if now > first + for_s:
            break
    source.shutdown(socket.SHUT_RDWR)
    pumping.join(10)
    return received * 8e-6 / (now - first)
