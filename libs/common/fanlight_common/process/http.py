"""An HTTP server inside a worker's own event loop: uvicorn, without its signals and its log.

Owns the listening sockets while they serve. A clean stop takes a quarter of a second, and never
more than GRACE_S longer, whatever clients do, which fits into `worker.STOP_LIMIT_S`.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from email.utils import formatdate
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from fanlight_common.core.errors import ConfigurationError

log = logging.getLogger(__name__)

GRACE_S = 1
"""How long requests under way may take to end once the server stops."""
KEEP_ALIVE_S = 75
"""Longer than clients keep an idle connection, so that they end it, not we under a request."""
NOT_SENT_LIMIT_BYTES = 16 * 1024
"""What a kernel buffer holds that was not yet sent. What waits there can no longer be dropped."""
DEAD_PEER_MS = 30_000
"""A peer that acknowledges nothing for so long has gone: the kernel ends its connection."""
RETRANSMIT_MAX_MS = 1000
"""TCP tries again at least this often (Linux 6.15 and later). By itself it waits twice as long each
time, so that after ten seconds in a tunnel a connection stands still for three more."""

_TCP_RTO_MAX_MS = 44
_BACKLOG = 1024
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class _NotOurs(logging.Filter):
    """A text message that is not UTF-8 closes its connection (1007). It is no error of this
    process, and nobody outside is to fill our log with tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError))


class _State(ServerState):
    """The headers of every answer: its date, looked up when there is an answer."""

    def __init__(self) -> None:
        self._second = 0
        self._headers: list[tuple[bytes, bytes]] = []
        super().__init__()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """As uvicorn's connections ask for them."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._headers = [(b"date", formatdate(second, usegmt=True).encode())]
        return self._headers

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        """uvicorn's start sets them empty."""


class _Server(uvicorn.Server):
    """Tells when it has started, and leaves signals to the worker."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = _State()
        self.ready = asyncio.Event()
        self.servers = []
        self.stops = False
        """We end it, so it may end."""
        self._end = asyncio.Event()

    async def serve_until_stopped(self, sockets: list[socket.socket]) -> None:
        """Serve until `stops`. Raises RuntimeError where it ends before."""
        try:
            await self.serve(sockets)
        finally:
            # After an error uvicorn leaves them open, and then the loop never closes.
            for server in self.servers:
                server.close()
        if not self.stops:
            raise RuntimeError("the HTTP server has ended by itself")

    def stop_listening(self) -> None:
        """Let nobody in any more; who is in stays."""
        for server in self.servers:
            server.close()

    def stop(self) -> None:
        """End it: requests under way have GRACE_S."""
        self.stops = self.should_exit = True
        self._end.set()

    async def main_loop(self) -> None:
        """uvicorn's own looks ten times a second whether it is to end and what date it is.

        In a service that nobody asks anything that was half of what it did: 0.2 % of a core.
        """
        await self._end.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


_NOT_OURS = _NotOurs()


def listen(host: str, port: int, setting: str, congestion: str = "") -> list[socket.socket]:
    """Sockets that listen on every address of `host`; with port 0 all on the same free port.

    Raises ConfigurationError that names `setting`, the prefix of HOST and PORT. Accepted
    connections inherit the options, so they hold for every browser's connection. `congestion` is
    TCP's congestion control; "" leaves it to the system.
    """
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in dict.fromkeys(found):
            if sockets and not port:
                address = (address[0], sockets[0].getsockname()[1], *address[2:])
            try:
                sockets.append(_listen(family, kind, protocol, address))
            except OSError as error:
                # "localhost" has an IPv6 address on machines (and in containers) without IPv6.
                if error.errno not in _NO_SUCH_ADDRESS:
                    raise
                missing = error
        if not sockets:
            raise missing or OSError(f"{host} has no address")
    except OSError as error:
        for opened in sockets:
            opened.close()
        reason = error.strerror or str(error)
        raise ConfigurationError(f"{setting}HOST {host}, {setting}PORT {port}: {reason}") from None
    if congestion:
        _set_congestion(sockets, congestion)
    return sockets


def base_url(host: str, sockets: list[socket.socket], address: str) -> str:
    """Where the others reach this server: `address` where `host` stands for every address."""
    if host in ("", "0.0.0.0", "::"):
        host = address
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{sockets[0].getsockname()[1]}"


def bearer(authorization: str) -> str | None:
    """The token in the value of an Authorization header; None: it has none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


@contextlib.asynccontextmanager
async def serving(
    app: Any,
    sockets: list[socket.socket],
    *,
    websocket: type[asyncio.Protocol] | None = None,
    max_message_bytes: int = 1 << 20,
) -> AsyncIterator[Callable[[], None]]:
    """Serve the ASGI `app` on `sockets` for as long as the block runs.

    The block gets a function that ends the listening alone.

    A server that ends before cancels the block; its error comes out in an ExceptionGroup.

    `websocket` is the class that speaks WebSocket; without it an upgrade is refused. Per-message
    compression is off: video does not compress, and it costs a copy and a context a viewer.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws=websocket or "none",
            ws_max_size=max_message_bytes,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            # At INFO uvicorn logs the address of each WebSocket; our own log says what matters.
            log_level="warning",
            access_log=False,
            # Forwarded headers are read where they are needed, by rules of their own.
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    logging.getLogger("uvicorn.error").addFilter(_NOT_OURS)
    # The group cancels the block when the server ends by itself: a process without its port is not
    # to look healthy.
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.serve_until_stopped(sockets))
        try:
            await server.ready.wait()
            yield server.stop_listening
        finally:
            server.stop()
            # Before the group's own end, which would cancel the server where we are cancelled.
            await asyncio.wait({task})


def _set_congestion(sockets: list[socket.socket], name: str) -> None:
    try:
        for opened in sockets:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
    except OSError as error:
        # Everything works without it, only less well.
        log.warning("event=no_tcp_congestion name=%s reason=%r", name, error.strerror)


def _listen(family: int, kind: int, protocol: int, address: Any) -> socket.socket:
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOT_SENT_LIMIT_BYTES)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
        with contextlib.suppress(OSError):  # an older kernel
            opened.setsockopt(socket.IPPROTO_TCP, _TCP_RTO_MAX_MS, RETRANSMIT_MAX_MS)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        opened.listen(_BACKLOG)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened
