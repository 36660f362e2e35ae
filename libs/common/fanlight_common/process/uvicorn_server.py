"""uvicorn's server inside a worker. Here stands what uvicorn does not document of its server.

Lives on the worker's loop, for as long as `serve_until_stopped` runs; drops nothing. uvicorn
documents `Config`, `Server.serve` and `should_exit`. Of uvicorn.server this file also needs these.
(The one other file that uses more of uvicorn is the gateway's `viewers/websocket_server.py`, which
needs its WebSocket connection.)

- `Server.capture_signals` is what installs signal handlers, and `serve` enters it;
- `Server.startup` fills `Server.servers`, and `serve` awaits `Server.main_loop` after it, and
  `Server.shutdown` when that returns;
- connections take the headers of each answer from `Server.server_state.default_headers`.

tests/common/process/test_uvicorn_server.py fails if a release of uvicorn changes one of them.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate

import uvicorn
from uvicorn.server import ServerState


class WorkerState(ServerState):
    """The headers of every answer: only its date, which is worked out when there is an answer."""

    def __init__(self) -> None:
        self._second = 0
        self._headers: list[tuple[bytes, bytes]] = []
        super().__init__()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The date header. uvicorn's connections ask for it with each answer."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._headers = [(b"date", formatdate(second, usegmt=True).encode())]
        return self._headers

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Ignore what uvicorn sets, which is an empty list when it starts."""


class WorkerServer(uvicorn.Server):
    """Tells when it has started, wakes up only for requests, and leaves signals to the worker."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state = WorkerState()
        self.ready = asyncio.Event()
        """Set once it listens."""
        self.servers = []
        self._is_stopping = False
        self._end = asyncio.Event()

    async def serve_until_stopped(self, sockets: list[socket.socket]) -> None:
        """Serve until `stop`, and close `sockets` however it ends.

        Raises RuntimeError if uvicorn ends before.
        """
        try:
            await self.serve(sockets)
        finally:
            # After an error uvicorn leaves them open, and then the loop never closes.
            self.stop_listening()
            for opened in sockets:
                opened.close()
        if not self._is_stopping:
            raise RuntimeError("the HTTP server has ended by itself")

    def stop_listening(self) -> None:
        """Accept no more connections. Those that are open stay."""
        for server in self.servers:
            server.close()

    def stop(self) -> None:
        """End it. Requests under way have the config's `timeout_graceful_shutdown` to end."""
        self._is_stopping = self.should_exit = True
        self._end.set()

    async def main_loop(self) -> None:
        """Wait for `stop`.

        uvicorn's own loop looks ten times a second whether it has to end and what date it is. That
        was half of the work of a service that gets no requests: 0.2 % of a core.
        """
        await self._end.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, as uvicorn does, and set `ready`."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers, because `service.supervision` takes the signals."""
        yield


class _TextErrors(logging.Filter):
    """Passes every record but the tracebacks of text messages that are not UTF-8.

    Such a message closes its connection (1007). It is no error of this process, and a client must
    not be able to fill the log with tracebacks.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError))


_TEXT_ERRORS = _TextErrors()


def drop_text_errors() -> None:
    """Keep the tracebacks of clients' text messages that are not UTF-8 out of uvicorn's log."""
    logging.getLogger("uvicorn.error").addFilter(_TEXT_ERRORS)
