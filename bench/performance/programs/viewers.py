"""Viewers that are no browsers: as many as wanted in one process, on raw sockets.

    python -m bench.performance.programs.viewers --port 8080 --token TOKEN --count 500

Each viewer pings, and acknowledges what it gets like a browser whose pictures are painted at once:
immediately, or, if the gateway says that an acknowledgement may wait, with the next one or after a
tenth of a second. It decodes nothing.

The process prints "ready" once all viewers have their first unit. At SIGTERM it prints one line of
JSON and ends. For each unit that line has its number, time stamp, size and flags, when the first
and the last viewer had all of it (microseconds of the bus clock), and how many viewers had it.
"""

import argparse
import base64
import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

from fanlight_common.protocol import control
from fanlight_common.protocol.binary import Ack, Ping, VideoUnit

PING_INTERVAL_S = 0.25
RELAXED_S = 0.1
"""Seconds; the same as ACK_RELAXED_MS in web/video/acknowledgements.js."""
CONNECT_LIMIT_S = 20.0
_READ_BYTES = 1 << 18
_NO_MASK = bytes(4)


@dataclass(slots=True)
class Arrival:
    """One unit, as all viewers got it."""

    sequence: int
    captured_us: int
    size_bytes: int
    flags: int
    first_us: int
    last_us: int
    count: int = 1


@dataclass(slots=True)
class Viewer:
    """One connection, with the bytes of it that are not a whole message yet."""

    socket: socket.socket
    left: bytearray = field(default_factory=bytearray)
    units: int = 0
    untold: tuple[int, int] | None = None
    """The newest unit that is not acknowledged yet (epoch, sequence)."""
    untold_since: float = 0.0


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a client's message, whose mask of zeros changes nothing. It has up to 65535 bytes."""
    if len(payload) < 126:
        return bytes((0x80 | opcode, 0x80 | len(payload))) + _NO_MASK + payload
    return struct.pack(">BBH", 0x80 | opcode, 0xFE, len(payload)) + _NO_MASK + payload


def messages(data: bytearray) -> tuple[list[tuple[int, memoryview]], int]:
    """Return the whole messages (opcode, payload) at the start of `data`, and their length."""
    found: list[tuple[int, memoryview]] = []
    at, end, view = 0, len(data), memoryview(data)
    while end - at >= 2:
        size, header = data[at + 1], 2
        if size == 126:
            if end - at < 4:
                break
            size, header = data[at + 2] << 8 | data[at + 3], 4
        elif size == 127:
            if end - at < 10:
                break
            size, header = int.from_bytes(data[at + 2 : at + 10], "big"), 10
        if end - at < header + size:
            break
        found.append((data[at] & 15, view[at + header : at + header + size]))
        at += header + size
    view.release()
    return found, at


class Crowd:
    """All viewers of this process.

    It is written to take little of the machine: 500 viewers with 60 units a second are 30,000
    messages, and the CPU that they take here is missing where it is measured.
    """

    def __init__(self, *, talk: bool) -> None:
        """With `talk`, viewers acknowledge and ping. A server that only writes needs neither."""
        self._talk = talk
        self._epoll = select.epoll()
        self._viewers: dict[int, Viewer] = {}
        self._buffer = bytearray(_READ_BYTES)
        self._view = memoryview(self._buffer)
        self._ping_at = time.monotonic() + PING_INTERVAL_S
        self._pings = 0
        self._told_at = 0.0
        self._acked = (0, 0)
        self._ack = b""
        self.arrivals: dict[tuple[int, int], Arrival] = {}
        """The units that came, by epoch and sequence."""

    @property
    def all_watch(self) -> bool:
        """Return whether each viewer has had a unit."""
        return all(viewer.units for viewer in self._viewers.values())

    def add(self, port: int, path: str, token: str, name: str) -> None:
        """Connect one more viewer, and let the server know it. Raises OSError."""
        connection = socket.create_connection(("127.0.0.1", port), CONNECT_LIMIT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        left = bytearray()
        if self._talk:
            connection.sendall(request.encode())
            while b"\r\n\r\n" not in left:
                data = connection.recv(4096)
                if not data:
                    raise ConnectionError("the server closed during the handshake")
                left += data
            head, _, rest = bytes(left).partition(b"\r\n\r\n")
            if b" 101 " not in head.split(b"\r\n")[0]:
                raise ConnectionError(head.decode(errors="replace"))
            left = bytearray(rest)
            connection.sendall(masked(1, control.Hello(name, True, False).encode().encode()))
        connection.setblocking(False)
        self._viewers[connection.fileno()] = Viewer(connection, left)
        self._epoll.register(connection, select.EPOLLIN)

    def turn(self, seconds: float) -> None:
        """Read what there is, or wait at most so long. Raises ConnectionError if one was closed."""
        for number, _ in self._epoll.poll(seconds, len(self._viewers)):
            self._read(self._viewers[number])
        now = time.monotonic()
        if self._talk and now >= self._ping_at:
            self._ping_at = max(self._ping_at + PING_INTERVAL_S, now)
            self._pings += 1
            ping = masked(2, Ping(self._pings, int(now * 1e6), 1).encode())
            for viewer in self._viewers.values():
                self._send(viewer, ping)
        if self._talk and now >= self._told_at + RELAXED_S / 4:
            self._told_at = now
            for viewer in self._viewers.values():
                if viewer.untold is not None and now - viewer.untold_since >= 0.75 * RELAXED_S:
                    self._acknowledge(viewer, viewer.untold)

    def close(self) -> None:
        """Close all connections."""
        for viewer in self._viewers.values():
            viewer.socket.close()
        self._epoll.close()

    def _read(self, viewer: Viewer) -> None:
        try:
            count = viewer.socket.recv_into(self._buffer)
        except BlockingIOError:
            return
        if not count:
            raise ConnectionError("the server closed")
        now_us = time.monotonic_ns() // 1000
        newest = None
        if not viewer.left and _is_one_unit(self._buffer, count):
            newest = self._unit(viewer, self._view[4:count], now_us)
        else:
            viewer.left += self._view[:count]
            found, used = messages(viewer.left)
            for opcode, payload in found:
                if opcode == 2 and payload[0] == VideoUnit.TYPE:
                    label, relaxed = self._unit(viewer, payload, now_us)
                    newest = label, relaxed if newest is None else relaxed & newest[1]
                elif opcode == 9:
                    self._send(viewer, masked(10, bytes(payload)))
                elif opcode == 8:
                    raise ConnectionError(f"the server closed: {bytes(payload)!r}")
                payload.release()
            del viewer.left[:used]
        if newest is None or not self._talk:
            return
        label, relaxed = newest
        if not relaxed:
            self._acknowledge(viewer, label)
        else:
            if viewer.untold is None:
                viewer.untold_since = now_us / 1e6
            viewer.untold = label

    def _acknowledge(self, viewer: Viewer, label: tuple[int, int]) -> None:
        viewer.untold = None
        if label != self._acked:
            self._acked = label
            self._ack = masked(2, Ack(10, label[0], label[1], label[1]).encode())
        self._send(viewer, self._ack)

    def _unit(
        self, viewer: Viewer, payload: memoryview, now_us: int
    ) -> tuple[tuple[int, int], int]:
        """Note a unit, and return its label and its RELAXED flag."""
        _, flags, *_, epoch, sequence, captured_us, _, _ = VideoUnit.LAYOUT.unpack_from(payload)
        viewer.units += 1
        label = (epoch, sequence)
        arrival = self.arrivals.get(label)
        if arrival is None:
            size = len(payload)
            what = flags & ~VideoUnit.RELAXED  # RELAXED is each viewer's own
            self.arrivals[label] = Arrival(sequence, captured_us, size, what, now_us, now_us)
        else:
            arrival.last_us = now_us
            arrival.count += 1
        return label, flags & VideoUnit.RELAXED

    def _send(self, viewer: Viewer, data: bytes) -> None:
        # If a server reads so little that this is full, it has other troubles.
        with contextlib.suppress(BlockingIOError):
            viewer.socket.send(data)


def _is_one_unit(data: bytearray, count: int) -> bool:
    """Return whether this is exactly one unit of 126 to 65535 bytes, as most reads are."""
    return (
        count > 4
        and data[0] == 0x82
        and data[1] == 126
        and (data[2] << 8 | data[3]) == count - 4
        and data[4] == VideoUnit.TYPE
    )


def main() -> None:
    """Watch until SIGTERM, and print what came."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--desk", default="main")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--raw", action="store_true", help="the server only writes")
    parser.add_argument("--forget", action="store_true", help="keep nothing, and tell nothing")
    options = parser.parse_args()
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    crowd = Crowd(talk=not options.raw)
    for index in range(options.count):
        name = f"bench-{os.getpid()}-{index:04d}"
        crowd.add(options.port, f"/api/desks/{options.desk}/stream", options.token, name)
        crowd.turn(0)
    told = False
    while not ended:
        crowd.turn(0.05)
        if options.forget:
            crowd.arrivals.clear()
        elif not told and crowd.all_watch:
            print("ready", flush=True)
            told = True
    crowd.close()
    if options.forget:
        return
    fields = Arrival.__dataclass_fields__
    rows = [[getattr(arrival, name) for name in fields] for arrival in crowd.arrivals.values()]
    json.dump(rows, sys.stdout)
    print(flush=True)


if __name__ == "__main__":
    main()
