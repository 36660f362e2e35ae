"""HTTP in a worker's own event loop: the sockets that listen, and the server on them.

Lives on the worker's loop. Owns the listening sockets while they serve. A clean stop takes a
quarter of a second, and at most GRACE_S longer, whatever clients do; this fits into
`supervision.STOP_LIMIT_S` of `service`. Drops the requests that are not done by then. Only
`uvicorn_server` uses what uvicorn does not document.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, TypeVar

import uvicorn

from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.uvicorn_server import WorkerServer, drop_text_errors

log = logging.getLogger(__name__)
T = TypeVar("T")

GRACE_S = 1
"""Seconds that requests under way may take to end once the server stops."""
CLIENT_CLOSED = 499
"""The status code for a client that has left, as proxies use it. Nobody reads it."""
KEEP_ALIVE_S = 75
"""Seconds until the server ends an idle connection. Clients end theirs sooner, and that is better,
because a request may be under way when the server does it."""
NOT_SENT_LIMIT_BYTES = 16 * 1024
"""How much unsent data a kernel buffer holds. Data that waits there can no longer be dropped."""
DEAD_PEER_S = 30.0
"""The kernel ends the connection of a peer that acknowledges nothing for so many seconds."""
RETRANSMIT_MAX_S = 1.0
"""TCP waits at most so many seconds before it sends again (Linux 6.15 and later). By itself it
doubles the time between two attempts, so that after ten seconds in a tunnel a connection stands
still for three seconds more."""

_TCP_RTO_MAX_MS = 44
_BACKLOG = 1024
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def listen(host: str, port: int, setting: str, congestion: str = "") -> list[socket.socket]:
    """Return sockets that listen on every address of `host`, with port 0 all on one free port.

    Raises ConfigurationError that names `setting`, the prefix of HOST and PORT; no socket is left
    open then. Every browser's connection has the options that are set here, because accepted
    connections inherit them. `congestion` is TCP's congestion control; "" leaves it to the system.
    """
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    with contextlib.ExitStack() as opened:
        try:
            found = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, kind, protocol, _, address in dict.fromkeys(found):
                if sockets and not port:
                    address = (address[0], sockets[0].getsockname()[1], *address[2:])
                try:
                    sockets.append(opened.enter_context(_listen(family, kind, protocol, address)))
                except OSError as error:
                    # "localhost" may have an IPv6 address on a machine (or container) without IPv6.
                    if error.errno not in _NO_SUCH_ADDRESS:
                        raise
                    missing = error
            if not sockets:
                raise missing or OSError(f"{host} has no address")
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(
                f"{setting}HOST {host}, {setting}PORT {port}: {reason}"
            ) from None
        if congestion:
            _set_congestion(sockets, congestion)
        opened.pop_all()
    return sockets


def base_url(host: str, sockets: list[socket.socket], address: str) -> str:
    """Return the URL at which others reach this server.

    It has `address` in it if `host` stands for every address.
    """
    if host in ("", "0.0.0.0", "::"):
        host = address
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{sockets[0].getsockname()[1]}"


def bearer(authorization: str) -> str | None:
    """Return the token in an Authorization header's value, None if it has no token."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def problem_of(status: int, error: str, message: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the JSON and the headers of the answer to a request that cannot be done.

    `error` is a code for programs, `message` is for people. The headers tell the client to ask
    again in a second after a 503, and to sign in after a 401.
    """
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = "1"
    return {"error": error, "message": message}, headers


async def unless_disconnected(
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]], work: Coroutine[Any, Any, T]
) -> T | None:
    """Run `work` and return what it returns, or None if the client disconnects before.

    `receive` belongs to a request whose body was read already or is empty. `work` has ended when
    this returns: it is cancelled if the client disconnects or if the caller is cancelled. Raises
    what `work` raises.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(
    app: Any,
    sockets: list[socket.socket],
    *,
    websocket: type[asyncio.Protocol] | None = None,
    max_message_bytes: int = 1 << 20,
) -> AsyncIterator[Callable[[], None]]:
    """Serve the ASGI `app` on `sockets` for as long as the block runs.

    The block gets a function that ends the listening and nothing else: open connections stay.

    If the server ends before the block does, the block is cancelled, and an ExceptionGroup with the
    server's error is raised. The sockets are closed in any case.

    `websocket` is the class that speaks WebSocket; without it an upgrade is refused. Per-message
    compression is off, because video does not compress, and each viewer would cost a copy and a
    compression context more.
    """
    server = WorkerServer(
        uvicorn.Config(
            app,
            http="h11",
            ws=websocket or "none",
            ws_max_size=max_message_bytes,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            # At INFO uvicorn would log the address of each WebSocket; the service's log says more.
            log_level="warning",
            access_log=False,
            # The gateway itself reads the forwarded headers that it needs, by rules of its own.
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    drop_text_errors()
    # The group cancels the block when the server ends by itself, because a process without its port
    # must not look healthy.
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.serve_until_stopped(sockets))
        try:
            await server.ready.wait()
            yield server.stop_listening
        finally:
            server.stop()
            # Wait for the server before the group ends, because the group would cancel the server
            # if the block was cancelled.
            await asyncio.wait({task})


async def _disconnected(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _set_congestion(sockets: list[socket.socket], name: str) -> None:
    try:
        for opened in sockets:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
    except OSError as error:
        # Everything works without this congestion control, only less well.
        log.warning("event=no_tcp_congestion name=%s reason=%r", name, error.strerror)


def _listen(family: int, kind: int, protocol: int, address: Any) -> socket.socket:
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOT_SENT_LIMIT_BYTES)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(DEAD_PEER_S * 1000))
        with contextlib.suppress(OSError):  # the kernel is older than 6.15
            opened.setsockopt(socket.IPPROTO_TCP, _TCP_RTO_MAX_MS, round(RETRANSMIT_MAX_S * 1000))
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        opened.listen(_BACKLOG)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened
