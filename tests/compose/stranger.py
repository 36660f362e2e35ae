"""A stranger on the bus's network who knows all addresses and public keys. Runs in a container.

    stranger.py KEYS member|other|plain

KEYS is the bus's key file. It gives the public keys of those who listen and, to a `member`, the
right key to show. `other` shows a key of its own, and `plain` none. The program prints as JSON what
it saw of the directory and of frames, and who took what it told: a farewell in another's name, a
key press.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import zmq

from fanlight_common.bus import curve_keys
from fanlight_common.protocol import bus, input, topics
from fanlight_common.protocol.topics import Lane

PATIENCE_S = 4.0
DESK = "desk-1"


class Attacker:
    """A stranger (`other`, `plain`) or a member, who connects to sockets of the bus."""

    def __init__(self, found: tuple[curve_keys.BusKey, ...], kind: str) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.own = found[0] if kind == "member" else curve_keys.new()
        self.kind = kind

    def connect(self, socket_type: int, endpoint: str) -> zmq.Socket[Any]:
        """Return a socket that connects to `tcp://host:port#public key`."""
        socket = self.context.socket(socket_type)
        socket.linger = 0
        # Without this, a message could be sent before anybody has let the socket in.
        socket.immediate = 1
        address, _, key = endpoint.partition("#")
        if self.kind != "plain":
            socket.curve_serverkey = curve_keys.public_z85(key)
            socket.curve_secretkey, socket.curve_publickey = self.own.secret, self.own.public
        socket.connect(address)
        return socket

    def sees(self, endpoint: str, topic: bytes, count: int = 1) -> list[list[bytes]]:
        """Return the first messages under a topic; fewer than `count` if no more come in time."""
        socket = self.connect(zmq.SUB, endpoint)
        socket.subscribe(topic)
        seen = []
        deadline = time.monotonic() + PATIENCE_S
        while len(seen) < count and socket.poll(max(0, deadline - time.monotonic()) * 1000):
            seen.append(socket.recv_multipart())
        socket.close()
        return seen

    def tells(self, endpoint: str, message: bytes) -> bool:
        """Return whether anybody takes the message."""
        socket = self.connect(zmq.PUSH, endpoint)
        taken = False
        try:
            if socket.poll(PATIENCE_S * 1000, zmq.POLLOUT):
                socket.send(message)
                taken = True
        finally:
            socket.close(linger=1000)
        return taken


def main() -> None:
    """Try everything, and print what came of it."""
    found = curve_keys.load(Path(sys.argv[1]))
    name = curve_keys.public_hex(found[0].public)
    outlet, inlet = f"tcp://directory:7400#{name}", f"tcp://directory:7401#{name}"
    # A member learns here where the others are, and the stranger is told.
    insider = Attacker(found, "member")
    (record,) = insider.sees(outlet, topics.desk(DESK))
    desk = bus.decode_directory_outlet(record[1])
    print(json.dumps(describe(Attacker(found, sys.argv[2]), outlet, inlet, desk)))


def describe(me: Attacker, outlet: str, inlet: str, desk: Any) -> dict[str, Any]:
    """Return what `me` sees, and who takes what it tells."""
    press = bus.Input(DESK, "stranger", 1, input.Key(True, 4).encode())
    return {
        "directory": len(me.sees(outlet, b"", 2)),
        "frames": len(me.sees(desk.outlet, topics.frame(DESK, Lane.PIXELS))),
        "told directory": me.tells(inlet, bus.encode(bus.Farewell("nobody", "1"))),
        "told capture": me.tells(desk.inlet, bus.encode(press)),
    }


if __name__ == "__main__":
    main()
