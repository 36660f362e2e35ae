"""How a process reaches the others and is reached: ipc:// on one machine, tcp:// with CURVE beyond.

Owns the ZeroMQ context, and the list of what every socket of the process is connected and bound to.
Lives on the loop that it is made in; a thread looks up the directory's name. An *endpoint* is what
processes tell each other of their sockets. On the network it ends in the public key of the process
that bound the socket, `tcp://10.0.0.5:40001#<64 hex digits>`: each process has a key of its own,
which travels with its address. Only the directory's key has to be known beforehand: it is the bus's
own key (`curve_keys`), and every process shows the same key when it connects.

A change of the key file takes effect at once. New keys are accepted. After a change of the primary
key, every connection is made again with the new one, and the directory's listeners have it as their
own key. When a key is removed, every listener is opened anew, which ends the connections of
processes that have only that key. A connection that is made again drops the messages that were
under way: subscribers see a gap in the sequence.
"""

import asyncio
import contextlib
import logging
import threading
import weakref
from collections.abc import Callable
from socket import gethostname
from typing import Any

import zmq
import zmq.asyncio
import zmq.auth.asyncio
from prometheus_client import Counter

from fanlight_common.bus import curve_keys, directory_address
from fanlight_common.bus.curve_keys import BusKey
from fanlight_common.bus.directory_address import bracketed
from fanlight_common.bus.sockets import SocketRole, closed_on_error, ipc_endpoint, open_socket
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import BusSettings
from fanlight_common.process.ticks import tick

log = logging.getLogger(__name__)

DIRECTORY_ID = "directory"
_CONNECT_S = 0.5
"""Seconds until an attempt to connect is given up. A host that is away does not answer at all, and
the kernel would ask it ever less often."""
_LOOK_S = 1.0
_NAME_S = 1.0
"""Seconds from one look-up of the directory's name to the next: the directory may come back under
another address."""
_REBIND_S = 0.02
_DEAD_S = 4
"""A peer whose kernel is silent for so many seconds counts as gone, with its subscriptions."""

denied = Counter("fanlight_bus_denied", "Connections refused for a key that is not of this bus")

Socket = zmq.Socket[Any]


class BusNetwork:
    """The sockets of one process. Raises ConfigurationError if there can be none."""

    def __init__(self, settings: BusSettings, kind: str) -> None:
        self._settings = settings
        self._serves_directory = kind == "directory"
        self._own = curve_keys.new()
        self.context = zmq.asyncio.Context()
        self.address = "127.0.0.1"
        """Under which others reach this process."""
        self.changed: Callable[[], None] = lambda: None
        """Called when `directory()` has other answers than before."""
        self._keys: tuple[BusKey, ...] = ()
        self._connected: list[tuple[weakref.ref[Socket], str]] = []
        self._bound: list[tuple[Socket, str]] = []
        self._guard: zmq.auth.asyncio.AsyncioAuthenticator | None = None
        self._signature: object = None
        self._directory_address = ""
        self._closed = threading.Event()
        if settings.bus_directory:
            try:
                self._join_network()
            except BaseException:
                self.context.destroy(linger=0)
                raise

    def open(self, role: SocketRole) -> zmq.asyncio.Socket:
        """Return an unconnected socket. The caller closes it."""
        socket = open_socket(self.context, role)
        if self._keys:
            with closed_on_error(socket):
                self._set_network_options(socket)
        return socket

    def open_connected(
        self, role: SocketRole, endpoint: str, topic: bytes | None = None
    ) -> zmq.asyncio.Socket:
        """Return a socket that is connected to `endpoint`, and subscribed to a `topic`.

        The caller closes it. If this raises, no socket is left open.
        """
        socket = self.open(role)
        with closed_on_error(socket):
            if topic is not None:
                socket.subscribe(topic)
            self.connect(socket, endpoint)
        return socket

    def connect(self, socket: Socket, endpoint: str) -> None:
        """Connect to an endpoint that another process has told.

        If it is no endpoint, this logs it and leaves the socket as it was. The mistake is the other
        process's, such as a wrong FANLIGHT_BUS_ADDRESS, and must not end this process.
        """
        try:
            if not self._keys:
                socket.connect(endpoint)
                return
            self._prune()
            self._show_key(socket, endpoint)
            self._connected.append((weakref.ref(socket), endpoint))
        except (zmq.ZMQError, ValueError) as error:
            log.warning("event=no_endpoint endpoint=%r reason=%r", endpoint, str(error))

    def bind(self, socket: Socket, id_: str, name: str) -> str:
        """Listen. Returns the endpoint to tell others. `name` is "outlet" or "inlet"."""
        if not self._keys:
            endpoint = ipc_endpoint(self._settings.runtime_dir, id_, name)
            _bind(socket, endpoint)
            return endpoint
        offset = 1 if name == "inlet" else 0
        if self._serves_directory:
            port, host, key = directory_address.port(self._settings) + offset, "*", self._keys[0]
        else:
            first = self._settings.bus_port
            # The address may be that of another machine, which forwards connections to here.
            host = "*" if self._settings.bus_address else bracketed(self.address)
            port, key = first + offset if first else 0, self._own
        socket.curve_server = 1
        socket.curve_secretkey = key.secret
        _bind(socket, f"tcp://{host}:{port or '*'}")
        bound = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._bound.append((socket, bound))
        port = int(bound.rsplit(":", 1)[1])
        return f"tcp://{bracketed(self.address)}:{port}#{curve_keys.public_hex(key.public)}"

    def directory(self) -> list[tuple[str, str]]:
        """Return the directory's outlet and inlet: one pair for each key that it may have.

        The list is empty for the directory itself.
        """
        if self._serves_directory:
            return []
        if not self._keys:
            runtime_dir = self._settings.runtime_dir
            outlet = ipc_endpoint(runtime_dir, DIRECTORY_ID, "outlet")
            return [(outlet, ipc_endpoint(runtime_dir, DIRECTORY_ID, "inlet"))]
        host, port = bracketed(self._directory_address), directory_address.port(self._settings)
        names = [curve_keys.public_hex(key.public) for key in self._keys]
        return [(f"tcp://{host}:{port}#{n}", f"tcp://{host}:{port + 1}#{n}") for n in names]

    async def run(self) -> None:
        """Follow the key file and the directory's name, for ever."""
        if self._keys and not self._serves_directory:
            # It is a thread of its own, because a loop that ends waits for its executor's threads.
            threading.Thread(
                target=self._follow_name,
                args=(asyncio.get_running_loop(),),
                name="directory-name",
                daemon=True,
            ).start()
        while self._keys:
            await tick(_LOOK_S)
            if self._look() != self._signature:
                await self._reload()

    def close(self, linger_s: float) -> None:
        """Close every socket; messages have `linger_s` to leave."""
        self._closed.set()
        if self._guard is not None:
            self._guard.stop()
        self.context.destroy(linger=round(linger_s * 1000))

    def _set_network_options(self, socket: Socket) -> None:
        # ZeroMQ's own heartbeat is not used: libzmq 4.3.5 aborts the process if a connection ends
        # while its messages wait to be read ("Assertion failed: !_io_error").
        socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 1)
        socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 1)
        socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, _DEAD_S)
        socket.setsockopt(zmq.TCP_MAXRT, _DEAD_S * 1000)
        socket.setsockopt(zmq.CONNECT_TIMEOUT, round(_CONNECT_S * 1000))
        # The directory's name may lead to either kind of address, so the directory listens on both.
        both = self._serves_directory or ":" in self.address
        socket.setsockopt(zmq.IPV6, 1 if both else 0)

    def _join_network(self) -> None:
        path = self._settings.bus_keys
        if path is None:
            raise ConfigurationError("FANLIGHT_BUS_KEYS: wanted with FANLIGHT_BUS_DIRECTORY")
        self._signature = self._look()
        self._keys = curve_keys.load(path)
        if self._serves_directory:
            self.address = gethostname()
        else:
            self.address = self._settings.bus_address or directory_address.local_address(
                self._settings
            )
            self._directory_address = directory_address.addresses(self._settings)[0]
        # This comes before the first socket listens, because ZeroMQ lets any key in without it.
        self._guard = zmq.auth.asyncio.AsyncioAuthenticator(
            self.context, log=logging.getLogger(f"{__name__}.zap")
        )
        self._guard.configure_curve_callback("*", self)
        self._guard.start()

    def callback(self, domain: str, key: bytes) -> bool:
        """Does a process that shows this key belong to the bus? The authenticator asks this."""
        known = any(key == own.public for own in self._keys)
        if not known:
            denied.inc()
            log.debug("event=denied key=%s", curve_keys.public_hex(key)[:12])
        return known

    def _follow_name(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._closed.wait(_NAME_S):
            with contextlib.suppress(ConfigurationError):  # without an answer the address stays
                found = directory_address.addresses(self._settings)
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(self._directory_is_at, found)

    def _directory_is_at(self, addresses: list[str]) -> None:
        if self._directory_address not in addresses:
            log.info("event=directory_moved address=%s", addresses[0])
            self._directory_address = addresses[0]
            self.changed()

    def _show_key(self, socket: Socket, endpoint: str) -> None:
        address, _, key = endpoint.partition("#")
        socket.curve_serverkey = curve_keys.public_z85(key)
        socket.curve_secretkey, socket.curve_publickey = self._keys[0].secret, self._keys[0].public
        socket.connect(address)

    def _look(self) -> object:
        assert self._settings.bus_keys is not None
        try:
            status = self._settings.bus_keys.stat()
        except OSError as error:
            return error.errno
        # ctime changes with the mode, too, and a file that others can read is refused.
        return status.st_ctime_ns, status.st_ino, status.st_size

    async def _reload(self) -> None:
        assert self._settings.bus_keys is not None
        self._signature = self._look()
        try:
            found = curve_keys.load(self._settings.bus_keys)
        except ConfigurationError as error:
            log.warning("event=keys state=kept reason=%r", str(error))
            return
        before, self._keys = self._keys, found
        if before == found:
            return
        log.info("event=keys count=%d primary=%s", len(found), found[0].name)
        promoted, gone = before[0] != found[0], set(before) - set(found)
        if gone or (promoted and self._serves_directory):
            for socket, bound in self._bound:
                await self._listen_anew(socket, bound)
        self.changed()
        if promoted:
            self._prune()
            for reference, endpoint in self._connected:
                socket_ = reference()
                if socket_ is not None:
                    with contextlib.suppress(zmq.ZMQError):  # it was never connected
                        socket_.disconnect(endpoint.partition("#")[0])
                    self._show_key(socket_, endpoint)

    async def _listen_anew(self, socket: Socket, bound: str) -> None:
        socket.unbind(bound)
        if self._serves_directory:
            socket.curve_secretkey = self._keys[0].secret
        while True:
            try:
                socket.bind(bound)
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE:
                    raise
                await asyncio.sleep(_REBIND_S)  # the old listener is still closing
            else:
                return

    def _prune(self) -> None:
        alive = []
        for reference, endpoint in self._connected:
            socket = reference()
            if socket is not None and not socket.closed:
                alive.append((reference, endpoint))
        self._connected = alive


def _bind(socket: Socket, address: str) -> None:
    try:
        socket.bind(address)
    except zmq.ZMQError as error:
        raise ConfigurationError(f"cannot bind {address}: {error}") from None
