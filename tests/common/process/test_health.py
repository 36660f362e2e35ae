"""The health server."""

import socket
import threading
from collections.abc import Callable

import pytest

from fanlight_common.process.health import HealthServer
from tests.ports import free_port


def test_without_a_thread_the_port_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    healthy: Callable[[], tuple[bool, dict[str, object]]] = lambda: (True, {})  # noqa: E731
    port = free_port()
    monkeypatch.setattr(threading, "Thread", NoThread)
    with pytest.raises(RuntimeError, match="new thread"):
        HealthServer("127.0.0.1", port, healthy)
    with socket.create_server(("127.0.0.1", port)):
        pass
