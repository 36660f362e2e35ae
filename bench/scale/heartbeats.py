"""What does the real directory cost, with its sockets, under the heartbeats of many?

This starts `python -m fanlight_directory` and sends what so many desks and encoders would send,
over as many connections as a process may have. As many sockets as there are gateways subscribe to
all desks.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import zmq

from bench.processes import module, started
from bench.scale.members import Desk, Encoder
from bench.scale.usage import Usage
from bench.scale.world import BEAT_S
from fanlight_common.protocol import bus, topics

CONNECTIONS = 400
"""If there are more processes than that, several share a connection."""
GATEWAYS = 4
STREAMS_AN_ENCODER = 10


def measure(desks: int, encoders: int, seconds: float) -> dict[str, Any]:
    """Return CPU and memory of a directory with so many desks and encoders."""
    with tempfile.TemporaryDirectory(prefix="fl-") as directory:
        environment = {
            **os.environ,
            "FANLIGHT_RUNTIME_DIR": directory,
            "FANLIGHT_LOG_LEVEL": "ERROR",
        }
        context = zmq.Context()
        context.set(zmq.MAX_SOCKETS, 2000)
        with started(module("fanlight_directory"), env=environment) as process:
            try:
                return _measure(context, Path(directory), process.pid, desks, encoders, seconds)
            finally:
                context.destroy(linger=0)


def _measure(
    context: "zmq.Context[zmq.Socket[bytes]]",
    directory: Path,
    pid: int,
    desks: int,
    encoders: int,
    seconds: float,
) -> dict[str, Any]:
    inlet = f"ipc://{directory}/directory.inlet"
    pushes = []
    for _ in range(min(CONNECTIONS, desks + encoders)):
        push = context.socket(zmq.PUSH)
        push.connect(inlet)
        pushes.append(push)
    subscribers = []
    for _ in range(GATEWAYS):
        subscriber = context.socket(zmq.SUB)
        subscriber.connect(f"ipc://{directory}/directory.outlet")
        subscriber.subscribe(topics.DESKS)
        subscribers.append(subscriber)
    steady = [bus.encode(Desk(f"capture-d{n}", f"10.0.0.{n % 50}").beat()) for n in range(desks)]
    crowd = [Encoder(f"encoder-{n}", f"10.0.0.{n % 50}") for n in range(encoders)]
    for number, encoder in enumerate(crowd):
        names = [f"d{number}-{n}/high" for n in range(STREAMS_AN_ENCODER)]
        encoder.held = dict.fromkeys(names, 1700000000)
        for name in names:
            subscribers[number % GATEWAYS].subscribe(topics.lease(name))
    total = desks + encoders
    usage: Usage | None = None
    began, sent = time.monotonic(), 0
    warm_up_s = 3.0
    deadline = began + warm_up_s + seconds
    while time.monotonic() < deadline:
        due = int((time.monotonic() - began) / BEAT_S * total)
        while sent < due:
            number = sent % total
            data = steady[number] if number < desks else bus.encode(crowd[number - desks].beat())
            pushes[number % len(pushes)].send(data)
            sent += 1
        for subscriber in subscribers:
            _drain(subscriber)
        if usage is None and time.monotonic() > began + warm_up_s:
            usage, first = Usage.of(pid), sent
        time.sleep(0.001)
    assert usage is not None
    used = Usage.of(pid) - usage
    return {
        "desks": desks,
        "encoders": encoders,
        "heartbeats_per_s": round((sent - first) / used.at_s),
        "cpu_percent": round(100 * used.cpu_s / used.at_s, 1),
        "us_per_heartbeat": round(1e6 * used.cpu_s / max(1, sent - first), 1),
        "rss_mib": round(Usage.of(pid).rss_mib, 1),
    }


def _drain(subscriber: "zmq.Socket[bytes]") -> None:
    try:
        while True:
            subscriber.recv_multipart(zmq.DONTWAIT)
    except zmq.Again:
        pass


if __name__ == "__main__":
    print(measure(int(sys.argv[1]), int(sys.argv[2]), 8.0))
