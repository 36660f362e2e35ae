"""How a process reaches the others and is reached: ipc:// on one machine, tcp:// with CURVE beyond.

Owns the ZeroMQ context and what every socket of the process was connected and bound to. Lives on
the loop that it is made in. An *endpoint* is what processes tell each other: on the network it ends
in the public key of whoever bound it, `tcp://10.0.0.5:40001#<64 hex digits>`, so that a key of its
own per process travels with the address. Only the directory's has to be known beforehand: it is the
bus's own (`keys`), and so is the key that everybody shows when connecting.

When the key file changes, what it says holds at once: new keys are accepted; with a new primary,
every connection is made again with it, and the directory is known by it; when a key goes, every
listener is opened anew, which ends the connections of whoever has only that key. A connection that
is made again loses what was on its way: subscribers see a gap in the numbers.
"""

import asyncio
import contextlib
import logging
import socket as system_socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import zmq
import zmq.asyncio
import zmq.auth.asyncio
from prometheus_client import Counter

from fanlight_common.bus import curve_keys
from fanlight_common.bus.curve_keys import BusKey
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint, open_socket
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import BusSettings
from fanlight_common.process.ticks import tick

log = logging.getLogger(__name__)

DIRECTORY_ID = "directory"
WAIT_S = 30.0
"""How long a process that starts waits for its key file and for the directory's name."""
_CONNECT_MS = 500
"""A host that is away does not answer at all; the kernel asks it ever less often, up to minutes."""
_LOOK_S = 1.0
_NAME_S = 1.0
"""A directory that comes back under another address is found after this."""
_REBIND_S = 0.02
_DEAD_S = 4
"""A peer whose kernel does not answer for this long is gone, and its subscriptions with it."""

denied = Counter("fanlight_bus_denied", "Connections refused for a key that is not of this bus")

Socket = zmq.Socket[Any]


def wait_for_network(settings: BusSettings, kind: str) -> None:
    """Block until the key file is there and the directory's name means something.

    The directory makes the file. Raises ConfigurationError after WAIT_S, or where it is wrong.
    """
    if not settings.bus_directory:
        return
    if settings.bus_keys is None:
        raise ConfigurationError("FANLIGHT_BUS_KEYS: wanted with FANLIGHT_BUS_DIRECTORY")
    if kind == "directory":
        curve_keys.create(settings.bus_keys)
    deadline = time.monotonic() + WAIT_S
    said = False
    while True:
        try:
            try:
                settings.bus_keys.stat()
            except OSError as error:
                reason = error.strerror or str(error)
                raise ConfigurationError(
                    f"FANLIGHT_BUS_KEYS {settings.bus_keys}: {reason}"
                ) from None
            if kind != "directory":
                _route(settings)
            break
        except ConfigurationError as error:
            if time.monotonic() > deadline:
                raise
            if not said:
                log.info("event=wait reason=%r", str(error))
                said = True
            time.sleep(0.1)
    curve_keys.load(settings.bus_keys)


class BusNetwork:
    """The sockets of one process. Raises ConfigurationError where there can be none."""

    def __init__(self, settings: BusSettings, kind: str) -> None:
        self._settings = settings
        self._serves_directory = kind == "directory"
        self.context = zmq.asyncio.Context()
        self.address = "127.0.0.1"
        """Under which others reach this process."""
        self.changed: Callable[[], None] = lambda: None
        """Called when `directory()` has other answers than before."""
        self._keys: tuple[BusKey, ...] = ()
        self._own = curve_keys.new()
        self._connected: list[tuple[weakref.ref[Socket], str]] = []
        self._bound: list[tuple[Socket, str]] = []
        self._guard: zmq.auth.asyncio.AsyncioAuthenticator | None = None
        self._signature: object = None
        self._directory_address = ""
        self._closed = threading.Event()
        if settings.bus_directory:
            self._join_network()

    def open(self, role: SocketRole) -> zmq.asyncio.Socket:
        """An unconnected socket."""
        socket = open_socket(self.context, role)
        if self._keys:
            # Not ZeroMQ's own heartbeat: libzmq 4.3.5 aborts the process where a connection ends
            # while its messages wait to be read ("Assertion failed: !_io_error").
            socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
            socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 1)
            socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 1)
            socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, _DEAD_S)
            socket.setsockopt(zmq.TCP_MAXRT, _DEAD_S * 1000)
            socket.setsockopt(zmq.CONNECT_TIMEOUT, _CONNECT_MS)
            # The directory's name may lead to either kind of address; with this it listens on both.
            both = self._serves_directory or ":" in self.address
            socket.setsockopt(zmq.IPV6, 1 if both else 0)
        return socket

    def connect(self, socket: Socket, endpoint: str) -> None:
        """Connect to what another process told. What is no endpoint is said, and leads nowhere.

        It is another's mistake, such as a wrong FANLIGHT_BUS_ADDRESS, and must not end this one.
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
        """Listen. Returns the endpoint to tell others. `name`: outlet or inlet."""
        if not self._keys:
            endpoint = ipc_endpoint(self._settings.runtime_dir, id_, name)
            _bind(socket, endpoint)
            return endpoint
        offset = 1 if name == "inlet" else 0
        if self._serves_directory:
            port, host, key = _port(self._settings) + offset, "*", self._keys[0]
        else:
            first = self._settings.bus_port
            # Told another address than its own: it may be anybody's who passes on to here.
            host = "*" if self._settings.bus_address else f"{_bracketed(self.address)}"
            port, key = first + offset if first else 0, self._own
        socket.curve_server = 1
        socket.curve_secretkey = key.secret
        _bind(socket, f"tcp://{host}:{port or '*'}")
        bound = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._bound.append((socket, bound))
        port = int(bound.rsplit(":", 1)[1])
        return f"tcp://{_bracketed(self.address)}:{port}#{curve_keys.public_hex(key.public)}"

    def directory(self) -> list[tuple[str, str]]:
        """Endpoints of the directory, outlet and inlet: of each key that it may be known by.

        None for the directory itself.
        """
        if self._serves_directory:
            return []
        if not self._keys:
            runtime_dir = self._settings.runtime_dir
            outlet = ipc_endpoint(runtime_dir, DIRECTORY_ID, "outlet")
            return [(outlet, ipc_endpoint(runtime_dir, DIRECTORY_ID, "inlet"))]
        host, port = _bracketed(self._directory_address), _port(self._settings)
        names = [curve_keys.public_hex(key.public) for key in self._keys]
        return [(f"tcp://{host}:{port}#{n}", f"tcp://{host}:{port + 1}#{n}") for n in names]

    async def run(self) -> None:
        """Follow the key file, and the directory's name, for ever."""
        if self._keys and not self._serves_directory:
            # No executor: a loop that ends would wait for what it is doing.
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

    def close(self, linger_ms: int) -> None:
        """Let every socket go."""
        self._closed.set()
        if self._guard is not None:
            self._guard.stop()
        self.context.destroy(linger=linger_ms)

    def _join_network(self) -> None:
        path = self._settings.bus_keys
        if path is None:
            raise ConfigurationError("FANLIGHT_BUS_KEYS: wanted with FANLIGHT_BUS_DIRECTORY")
        try:
            self._signature = self._look()
            self._keys = curve_keys.load(path)
            if self._serves_directory:
                self.address = system_socket.gethostname()
            else:
                self.address = self._settings.bus_address or _route(self._settings)
                self._directory_address = _addresses(self._settings)[0]
        except ConfigurationError:
            self.context.destroy(linger=0)
            raise
        # Before the first socket listens: without it ZeroMQ lets any key in.
        self._guard = zmq.auth.asyncio.AsyncioAuthenticator(
            self.context, log=logging.getLogger(f"{__name__}.zap")
        )
        self._guard.configure_curve_callback("*", self)
        self._guard.start()

    def callback(self, domain: str, key: bytes) -> bool:
        """May whoever shows this key in? Called by the authenticator."""
        known = any(key == own.public for own in self._keys)
        if not known:
            denied.inc()
            log.debug("event=denied key=%s", curve_keys.public_hex(key)[:12])
        return known

    def _follow_name(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._closed.wait(_NAME_S):
            with contextlib.suppress(ConfigurationError):  # away: where it was is as good as any
                found = _addresses(self._settings)
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
        # Not mtime: a file that others could read is read again once its mode has changed.
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


def _host(settings: BusSettings) -> str:
    return urlsplit(settings.bus_directory).hostname or ""


def _port(settings: BusSettings) -> int:
    return urlsplit(settings.bus_directory).port or 0


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _route(settings: BusSettings) -> str:
    """The local address of the route to the directory. No packet is sent."""
    family, kind, protocol, _, address = _look_up(settings)[0]
    try:
        with system_socket.socket(family, kind, protocol) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise _no_directory(settings, error) from None


def _addresses(settings: BusSettings) -> list[str]:
    """The directory's addresses, as numbers. Blocks, for as long as the name server takes."""
    return [str(address[0]) for *_, address in _look_up(settings)]


def _look_up(settings: BusSettings) -> list[Any]:
    try:
        return system_socket.getaddrinfo(
            _host(settings), _port(settings), type=system_socket.SOCK_DGRAM
        )
    except OSError as error:
        raise _no_directory(settings, error) from None


def _no_directory(settings: BusSettings, error: OSError) -> ConfigurationError:
    reason = error.strerror or str(error)
    return ConfigurationError(f"FANLIGHT_BUS_DIRECTORY {_host(settings)}: {reason}")
