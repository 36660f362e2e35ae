"""The process between two TUN devices, which holds packets back as the model says.

A `Lab` starts one of its own, with a control socket as its only argument. It has one thread, which
waits in select(2). It lives in the far namespace and keeps that alive. It ends when the control
socket does, however its owner ends, and then kills whatever still runs in the far namespace.

Control is one JSON object a datagram, which is answered by one. The first is `{"congestion": ...,
"seed": ...}`, answered by `{"number": N}`. Then `{"steps": [[seconds, down, up], ...], "again":
bool}` sets conditions, and `{}` reads the counters. `{"error": text}` says what went wrong.
"""

import contextlib
import gc
import json
import os
import random
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from .devices import MTU, DeviceError, end_others, join
from .model import Conditions, Direction, Reading
from .trace import Step, timeline

CONTROL_BYTES = 4 << 20
BURST_PACKETS = 64
"""At most this many are read from one side before the clock is read again."""


class Relay:
    """Forwards packets one way, from `source` to `sink`: both are non-blocking TUN descriptors."""

    def __init__(self, source: int, sink: int, seed: int) -> None:
        self.source = source
        self.sink = sink
        self.link = Direction[bytes](rng=random.Random(seed))
        self.late_s = 0.0

    def read(self) -> None:
        """Read the packets that have arrived."""
        now = time.monotonic()
        with contextlib.suppress(BlockingIOError):
            for _ in range(BURST_PACKETS):
                packet = os.read(self.source, MTU)
                self.link.send(now, packet, len(packet))

    def write(self) -> None:
        """Write the packets that are due."""
        now = time.monotonic()
        for due, packet in self.link.take(now):
            self.late_s = max(self.late_s, now - due)
            os.write(self.sink, packet)

    def reading(self) -> dict[str, Any]:
        """Return a `Reading` as JSON has it, and reset `late_s`."""
        now = time.monotonic()
        reading = Reading(
            **asdict(self.link.counters),
            at=now,
            queue_ms=self.link.queue_ms(now),
            late_ms=self.late_s * 1e3,
        )
        self.late_s = 0.0
        return asdict(reading)


class Forwarder:
    """Both directions, a timeline of conditions, and the owner's control socket."""

    def __init__(self, control: socket.socket, down: Relay, up: Relay) -> None:
        self._control = control
        self._down, self._up = down, up
        self._timeline: Iterator[tuple[float, Step]] = iter(())
        self._next: tuple[float, Step] | None = None

    def run(self) -> None:
        """Forward until the owner is gone."""
        relays = {self._down.source: self._down, self._up.source: self._up}
        sources = [*relays, self._control.fileno()]
        while True:
            # epoll will not do, because its timeout is in whole milliseconds.
            for ready in select.select(sources, [], [], self._timeout_s())[0]:
                if ready in relays:
                    relays[ready].read()
                elif not self._obey():
                    return
            self._step()
            self._down.write()
            self._up.write()

    def _timeout_s(self) -> float | None:
        times = [self._down.link.next_at(), self._up.link.next_at()]
        times.append(self._next[0] if self._next else None)
        known = [at for at in times if at is not None]
        return max(0.0, min(known) - time.monotonic()) if known else None

    def _step(self) -> None:
        """Begin the steps of the timeline whose time has come."""
        now = time.monotonic()
        while self._next and self._next[0] <= now:
            # A step counts from when it was due, so that the link does not depend on how late this
            # runs.
            at, step = self._next
            self._down.link.set(at, step.down)
            self._up.link.set(at, step.up)
            self._next = next(self._timeline, None)

    def _obey(self) -> bool:
        wish = receive(self._control)
        if wish is None:
            return False
        if "steps" in wish:
            steps = [
                Step(seconds, Conditions(**down), Conditions(**up))
                for seconds, down, up in wish["steps"]
            ]
            self._timeline = timeline(steps, time.monotonic(), again=wish["again"])
            self._next = next(self._timeline, None)
            self._step()
        reply(self._control, {"down": self._down.reading(), "up": self._up.reading()})
        return True


def receive(control: socket.socket) -> dict[str, Any] | None:
    """Return the next object; None if the owner is gone."""
    try:
        data = control.recv(CONTROL_BYTES)
    except ConnectionError:
        return None
    return json.loads(data) if data else None


def reply(control: socket.socket, answer: dict[str, Any]) -> None:
    """Send an object. If nobody reads it, the next `receive` shows that."""
    with contextlib.suppress(OSError):
        control.send(json.dumps(answer).encode())


def hurry() -> None:
    """Give this process priority over what is measured, and switch off its garbage collection.

    A forwarder that is late would be another network.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except OSError:
        with contextlib.suppress(OSError):
            os.nice(-20)
    gc.freeze()
    gc.disable()  # nothing here makes reference cycles


def main() -> None:
    """Serve the owner on the socket whose descriptor is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the owner, which then closes this
    control = socket.socket(fileno=int(sys.argv[1]))
    wish = receive(control)
    if wish is None:
        return
    try:
        near, far, number = join(wish["congestion"])
    except (DeviceError, OSError) as error:
        reply(control, {"error": str(error)})
        return
    reply(control, {"number": number})
    hurry()
    try:
        seed = wish["seed"]
        Forwarder(control, Relay(near, far, seed), Relay(far, near, seed + 1)).run()
    finally:
        end_others()


if __name__ == "__main__":
    main()
