"""Connections to the inlets of other processes: one PUSH socket an inlet, shared by all its users.

Lives on the worker's loop. Nothing here waits. A new connection has no peer for some milliseconds.
It keeps what is sent meanwhile, in order, so that the first key of a person who has just come is
not lost. It keeps messages for at most FIRST_S, and at most MOST_WAITING messages and
MOST_WAITING_BYTES. Any other message that no peer can take is counted
(`fanlight_undelivered_messages`) and refused, and the sender decides what becomes of it. A test
holds the table of a connection and the code together:

    state    event                         state after  what becomes of the message
    NEW      sent, a peer is there         SETTLED      sent
    NEW      sent, no peer yet             KEEPING      kept
    NEW      sent, no peer within FIRST_S  SETTLED      refused
    KEEPING  sent, no peer yet             KEEPING      kept
    KEEPING  a peer comes                  SETTLED      sent
    KEEPING  no peer within FIRST_S        SETTLED      given up
    SETTLED  sent, a peer is there         SETTLED      sent
    SETTLED  sent, no peer any more        SETTLED      refused

A connection that its last user has released closes at once, or when it is KEEPING no more.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from enum import Enum
from functools import partial

import prometheus_client
import zmq

from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.process import clock

FIRST_S = 1.0
"""A connection keeps messages for a peer that has not come yet for at most so many seconds."""
MOST_WAITING = 1000
MOST_WAITING_BYTES = 1 << 20
LOOK_S = 0.005
"""Seconds from one look at whether the peer has come to the next."""
LAST_MESSAGE_S = 0.5
"""Seconds that a message under way may take when its socket is closed."""

undelivered = prometheus_client.Counter(
    "fanlight_undelivered_messages", "Messages with nobody to take them", ["to"]
)
undelivered.labels("inlet")  # exported from the start, because an alert needs its 0


class InletState(Enum):
    """What a connection does with a message that no peer takes; see the table above."""

    NEW = "new"
    KEEPING = "keeping"
    SETTLED = "settled"


class _InletConnection:
    """One PUSH socket, and the messages that wait until it has its first peer."""

    def __init__(self, network: BusNetwork, endpoint: str, ended: Callable[[], None]) -> None:
        """Connect. `ended` is called once, when the socket has been closed."""
        # This is the plain socket below the asyncio one, because sending never waits here.
        self._socket: zmq.Socket[bytes] = zmq.Socket.shadow(
            network.open_connected(SocketRole.TELL, endpoint)
        )
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._keeps_until = clock.now_s() + FIRST_S
        self._timer: asyncio.TimerHandle | None = None
        self._is_closing = False
        self._ended = ended

    @property
    def state(self) -> InletState:
        """Its state in the table."""
        if self._waiting:
            return InletState.KEEPING
        return InletState.NEW if clock.now_s() < self._keeps_until else InletState.SETTLED

    def reopen(self) -> None:
        """Go on, because somebody uses the connection again before it was closed."""
        self._is_closing = False

    def close(self) -> None:
        """Close the socket as soon as the messages that wait have been sent or given up."""
        self._is_closing = True
        if not self._waiting:
            self._end()

    def send(self, data: bytes) -> bool:
        """Queue one message. Returns False if there is no peer, or if its queue is full."""
        if not self._waiting:
            try:
                self._socket.send(data, zmq.DONTWAIT)
            except zmq.Again:
                pass
            else:
                self._keeps_until = 0.0  # from now on a message that no peer takes is refused
                return True
        if (
            clock.now_s() >= self._keeps_until
            or len(self._waiting) >= MOST_WAITING
            or self._waiting_bytes + len(data) > MOST_WAITING_BYTES
        ):
            return False
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)
        return True

    def _look(self) -> None:
        """Send what waits, or look again soon, or give it up."""
        self._timer = None
        if self._socket.closed:  # closed with all sockets of the process
            return
        try:
            while self._waiting:
                self._socket.send(self._waiting[0], zmq.DONTWAIT)
                self._waiting_bytes -= len(self._waiting.popleft())
            self._keeps_until = 0.0
        except zmq.Again:
            if clock.now_s() < self._keeps_until:
                self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)
                return
            undelivered.labels("inlet").inc(len(self._waiting))
            self._waiting.clear()
            self._waiting_bytes = 0
        if self._is_closing:
            self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._socket.close(linger=round(LAST_MESSAGE_S * 1000))
        self._ended()


class InletConnections:
    """The inlets that this process talks to, by endpoint."""

    def __init__(self, network: BusNetwork) -> None:
        self._network = network
        self._connections: dict[str, _InletConnection] = {}
        self._users: Counter[str] = Counter()

    def connect(self, endpoint: str) -> None:
        """Connect to an inlet, unless it is connected already."""
        if not endpoint:
            return
        if endpoint in self._connections:
            self._connections[endpoint].reopen()
        else:
            self._connections[endpoint] = _InletConnection(
                self._network, endpoint, partial(self._connections.__delitem__, endpoint)
            )

    def disconnect(self, endpoint: str) -> None:
        """Close the connection. Its last messages, such as keys to release, still arrive."""
        if endpoint in self._connections:
            self._connections[endpoint].close()

    def acquire(self, endpoint: str) -> None:
        """Connect for one more user of this inlet, who calls `release` in the end."""
        self.connect(endpoint)
        self._users[endpoint] += 1

    def release(self, endpoint: str) -> None:
        """Disconnect for one user of this inlet. The last user's release closes the connection."""
        self._users[endpoint] -= 1
        if not self._users[endpoint]:
            del self._users[endpoint]
            self.disconnect(endpoint)

    def tell(self, endpoint: str, data: bytes) -> bool:
        """Queue one message. Returns False if there is no peer, or its queue is full."""
        self.connect(endpoint)
        # `endpoint` is "" if the process is gone.
        if endpoint and self._connections[endpoint].send(data):
            return True
        undelivered.labels("inlet").inc()
        return False


class CurrentInlet:
    """The inlet that one user talks to at present, or none. Several users may share an inlet."""

    def __init__(self, inlets: InletConnections) -> None:
        self._inlets = inlets
        self._endpoint = ""

    def move(self, endpoint: str) -> None:
        """Use this inlet instead of the present one. "" means none."""
        if endpoint == self._endpoint:
            return
        if endpoint:
            self._inlets.acquire(endpoint)
        before, self._endpoint = self._endpoint, endpoint
        if before:
            self._inlets.release(before)

    def tell(self, data: bytes) -> bool:
        """Queue one message for the present inlet. Returns False if nobody takes it now."""
        return bool(self._endpoint) and self._inlets.tell(self._endpoint, data)
