"""What `uvicorn_server` needs of uvicorn beyond its documentation; fails if that changes."""

import asyncio
import inspect
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from fanlight_common.process import http
from fanlight_common.process.uvicorn_server import WorkerServer, WorkerState
from tests.screenshot.fakes import until

Message = MutableMapping[str, Any]


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"here"})


class Observed(WorkerServer):
    """Notes in which order uvicorn calls the overridden methods."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.calls: list[str] = []

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.calls.append(f"startup {len(self.servers)}")

    async def main_loop(self) -> None:
        self.calls.append("main_loop")
        await super().main_loop()

    async def shutdown(self, sockets: Any = None) -> None:
        self.calls.append("shutdown")
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        raise AssertionError("uvicorn's own clockwork runs")


@pytest.fixture
async def server() -> AsyncIterator[tuple[Observed, str]]:
    sockets = http.listen("127.0.0.1", 0, "TEST_")
    observed = Observed(uvicorn.Config(app, lifespan="off", log_config=None, server_header=False))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    running = asyncio.create_task(observed.serve_until_stopped(sockets))
    await asyncio.wait_for(observed.ready.wait(), 10)
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert after == before, "signals are the worker's"
    yield observed, http.base_url("127.0.0.1", sockets, "")
    observed.stop()
    await running


async def test_uvicorn_calls_what_is_overridden_in_this_order(
    server: tuple[Observed, str],
) -> None:
    observed, url = server
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(url)).text == "here"
    observed.stop()
    await until(lambda: observed.calls[-1] == "shutdown")
    assert observed.calls == ["startup 1", "main_loop", "shutdown"]


async def test_each_answer_has_one_date_which_is_now(server: tuple[Observed, str]) -> None:
    _, url = server
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url)
        (first,) = answer.headers.get_list("date")

        async def is_later() -> bool:
            date = (await client.get(url)).headers["date"]
            return parsedate_to_datetime(date) > parsedate_to_datetime(first)

        await until(is_later)
    age = datetime.now(UTC) - parsedate_to_datetime(first)
    assert abs(age.total_seconds()) < 10
    assert "server" not in answer.headers


async def test_it_stops_listening_and_keeps_what_is_open(server: tuple[Observed, str]) -> None:
    observed, url = server
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(url)
        observed.stop_listening()
        assert (await client.get(url)).status_code == 200, "by the connection that is open"
        async with httpx.AsyncClient(trust_env=False) as other:
            with pytest.raises(httpx.ConnectError):
                await other.get(url)


async def test_a_server_that_ends_by_itself_says_so() -> None:
    class Ends(WorkerServer):
        async def main_loop(self) -> None:
            return

    ends = Ends(uvicorn.Config(app, lifespan="off", log_config=None))
    with pytest.raises(RuntimeError, match="by itself"):
        await ends.serve_until_stopped(http.listen("127.0.0.1", 0, "TEST_"))


def test_what_is_overridden_is_there() -> None:
    assert issubclass(WorkerState, ServerState)
    assert vars(ServerState())["default_headers"] == [], "a plain attribute, set when it is made"
    for name in ("startup", "main_loop", "shutdown", "capture_signals", "serve"):
        theirs = inspect.signature(getattr(uvicorn.Server, name))
        ours = inspect.signature(getattr(WorkerServer, name))
        assert list(theirs.parameters) == list(ours.parameters), name


async def test_sockets_are_closed_although_the_server_never_started() -> None:
    class Broken(WorkerServer):
        async def startup(self, sockets: Any = None) -> None:
            raise ZeroDivisionError("no server")

    sockets = http.listen("127.0.0.1", 0, "TEST_")
    broken = Broken(uvicorn.Config(app, lifespan="off", log_config=None, server_header=False))
    with pytest.raises(ZeroDivisionError):
        await broken.serve_until_stopped(sockets)
    assert [opened.fileno() for opened in sockets] == [-1]
