"""/healthz and /metrics of one process, on a local port.

Owns the port, and a thread that serves it, so that /healthz still answers (with 503) when the event
loop hangs. Drops nothing.
"""

import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import disable_created_metrics, make_wsgi_app

from fanlight_common.core.errors import ConfigurationError

log = logging.getLogger(__name__)
# The creation time of each counter would make a third more series, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # has no types
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class _MetricsServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class HealthServer:
    """Serves `state()` (healthy?, details) as /healthz, and the process's metrics.

    Raises ConfigurationError if the port is taken.
    """

    def __init__(
        self, host: str, port: int, state: Callable[[], tuple[bool, dict[str, Any]]]
    ) -> None:
        self._state = state
        self._metrics = make_wsgi_app()
        try:
            self._server = make_server(
                host, port, self._answer, server_class=_MetricsServer, handler_class=_QuietHandler
            )
        except OSError as error:
            raise ConfigurationError(f"FANLIGHT_HEALTH_PORT {host}:{port}: {error}") from None
        self.url = f"http://{host}:{self._server.server_port}"
        self._closed = False
        try:
            threading.Thread(target=self._serve, name="health", daemon=True).start()
        except BaseException:
            self._server.server_close()
            raise

    def close(self) -> None:
        """Stop answering."""
        self._closed = True
        # This wakes the thread, which then finds nothing to accept and ends.
        with contextlib.suppress(OSError):
            self._server.socket.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        # `serve_forever` is not used, because it wakes twice a second to see if it has to end.
        while not self._closed:
            self._server.handle_request()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            body: Iterable[bytes] = self._metrics(environ, start)
            return body
        if path != "/healthz":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not here: /healthz and /metrics are\n"]
        healthy, details = self._state()
        start(
            "200 OK" if healthy else "503 Service Unavailable",
            [("Content-Type", "application/json")],
        )
        return [json.dumps({"healthy": healthy, **details}).encode() + b"\n"]
