"""The process between two TUN devices, which holds packets back as the model says.

Started by `Lab`, one a laboratory, with a control socket as its only argument. One thread, which
waits in select(2). It lives in the far namespace and is what keeps that alive: with it everything
ends. It ends when the control socket does, that is with its owner, however that died, and takes
along whatever still runs in the far namespace.

Control is one JSON object a datagram, answered by one: first `{"congestion": ..., "seed": ...}`,
answered `{"number": N}`; then `{"steps": [[seconds, down, up], ...], "again": bool}` sets
conditions, and `{}` reads the counters. `{"error": text}` says what went wrong.
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
"""Read at most this many from one side before looking at the clock again."""


class Way:
    """One direction: packets from `source` to `sink`, both non-blocking TUN descriptors."""

    def __init__(self, source: int, sink: int, seed: int) -> None:
        self.source = source
        self.sink = sink
        self.link = Direction[bytes](rng=random.Random(seed))
        self.late_s = 0.0

    def read(self) -> None:
        """Take what has arrived."""
        now = time.monotonic()
        with contextlib.suppress(BlockingIOError):
            for _ in range(BURST_PACKETS):
                packet = os.read(self.source, MTU)
                self.link.send(now, packet, len(packet))

    def write(self) -> None:
        """Hand over what is due."""
        now = time.monotonic()
        for due, packet in self.link.take(now):
            self.late_s = max(self.late_s, now - due)
            os.write(self.sink, packet)

    def reading(self) -> dict[str, Any]:
        """A `Reading`, encoded."""
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
    """Two ways, a timeline of conditions, and the owner's wishes."""

    def __init__(self, control: socket.socket, down: Way, up: Way) -> None:
        self._control = control
        self._down, self._up = down, up
        self._timeline: Iterator[tuple[float, Step]] = iter(())
        self._next: tuple[float, Step] | None = None

    def run(self) -> None:
        """Until the owner is gone."""
        ways = {self._down.source: self._down, self._up.source: self._up}
        sources = [*ways, self._control.fileno()]
        while True:
            # Not epoll, whose timeout is whole milliseconds.
            for ready in select.select(sources, [], [], self._timeout_s())[0]:
                if ready in ways:
                    ways[ready].read()
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
            # At the time it was due: what is to happen there does not depend on our being late.
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
    """The next object; None at the end."""
    try:
        data = control.recv(CONTROL_BYTES)
    except ConnectionError:
        return None
    return json.loads(data) if data else None


def reply(control: socket.socket, answer: dict[str, Any]) -> None:
    """Send one; its not being heard shows at the next `receive`."""
    with contextlib.suppress(OSError):
        control.send(json.dumps(answer).encode())


def hurry() -> None:
    """Go before whatever is measured, and never pause: a late forwarder is another network."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except OSError:
        with contextlib.suppress(OSError):
            os.nice(-20)
    gc.freeze()
    gc.disable()  # nothing here makes cycles


def main() -> None:
    """Serve the owner on the socket whose descriptor is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner, who then closes
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
        Forwarder(control, Way(near, far, seed), Way(far, near, seed + 1)).run()
    finally:
        end_others()


if __name__ == "__main__":
    main()
