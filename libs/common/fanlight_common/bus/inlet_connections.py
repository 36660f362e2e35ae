"""Connections to the inlets of other processes: one PUSH socket an inlet, shared by all who use it.

Lives on the worker's loop. Nothing here waits: a message that no peer can take now is counted
(`fanlight_undelivered_messages`) and refused, and what becomes of it is up to the sender.
"""

from collections import Counter

import prometheus_client
import zmq

from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole

LAST_MESSAGE_MS = 500
"""How long a message that is under way may take when its socket is closed."""

undelivered = prometheus_client.Counter(
    "fanlight_undelivered_messages", "Messages with nobody to take them", ["to"]
)


class InletConnections:
    """The inlets that this process talks to, by endpoint."""

    def __init__(self, network: BusNetwork) -> None:
        self._network = network
        self._sockets: dict[str, zmq.Socket[bytes]] = {}
        self._holders: Counter[str] = Counter()

    def connect(self, endpoint: str) -> None:
        """Connect, unless it is connected. The first message finds no peer without it."""
        if endpoint and endpoint not in self._sockets:
            # The plain socket below the asyncio one, because sending never waits here.
            socket: zmq.Socket[bytes] = zmq.Socket.shadow(self._network.open(SocketRole.TELL))
            self._network.connect(socket, endpoint)
            self._sockets[endpoint] = socket

    def disconnect(self, endpoint: str) -> None:
        """Close the connection. The last messages, such as keys to release, still get there."""
        socket = self._sockets.pop(endpoint, None)
        if socket is not None:
            socket.close(linger=LAST_MESSAGE_MS)

    def hold(self, endpoint: str) -> None:
        """Connect for one more user of this inlet, who calls `release` in the end."""
        self._holders[endpoint] += 1
        self.connect(endpoint)

    def release(self, endpoint: str) -> None:
        """One of the users needs this inlet no more; the last one closes the connection.

        A connection that was closed under another user would lose that user's next message,
        because a new connection has no peer at first.
        """
        self._holders[endpoint] -= 1
        if not self._holders[endpoint]:
            del self._holders[endpoint]
            self.disconnect(endpoint)

    def tell(self, endpoint: str, data: bytes) -> bool:
        """Queue one message. False: there is no peer, or its queue is full."""
        self.connect(endpoint)
        try:
            if not endpoint:
                raise zmq.Again  # a process that is gone has no inlet
            self._sockets[endpoint].send(data, zmq.DONTWAIT)
        except zmq.Again:
            undelivered.labels("inlet").inc()
            return False
        return True


class CurrentInlet:
    """The inlet that one user talks to at present, or none. Several users may share an inlet."""

    def __init__(self, inlets: InletConnections) -> None:
        self._inlets = inlets
        self._endpoint = ""

    def move(self, endpoint: str) -> None:
        """Use this inlet instead of the present one; "" is none."""
        if endpoint == self._endpoint:
            return
        if endpoint:
            self._inlets.hold(endpoint)
        if self._endpoint:
            self._inlets.release(self._endpoint)
        self._endpoint = endpoint

    def tell(self, data: bytes) -> bool:
        """Queue one message for the present inlet. False: nobody takes it now."""
        return bool(self._endpoint) and self._inlets.tell(self._endpoint, data)
