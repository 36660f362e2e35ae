"""Work for a client ends when the client disconnects."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from fanlight_common.process.http import unless_disconnected


class Client:
    """The messages of a request, as ASGI's `receive` gives them."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.waiting = 0

    async def receive(self) -> MutableMapping[str, Any]:
        self.waiting += 1
        try:
            return await self.messages.get()
        finally:
            self.waiting -= 1

    async def is_awaited(self) -> None:
        """Wait until the body was taken, and somebody waits for the next message."""
        async with asyncio.timeout(10):
            while not (self.messages.empty() and self.waiting):  # noqa: ASYNC110  # a few turns
                await asyncio.sleep(0)

    def disconnect(self) -> None:
        self.messages.put_nowait({"type": "http.disconnect"})


class Work:
    """Waits until it is told what to return; `ended` says how it ended."""

    def __init__(self) -> None:
        self.result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended = ""

    async def run(self) -> str:
        try:
            return await self.result
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # work that releases something awaits, too
            self.ended = "cancelled"
            raise


async def test_what_the_work_returns_and_nobody_waits_for_the_client_any_more() -> None:
    client, work = Client(), Work()
    asked = asyncio.create_task(unless_disconnected(client.receive, work.run()))
    await client.is_awaited()
    assert not asked.done(), "the body is no disconnection"
    work.result.set_result("answer")
    assert await asked == "answer"
    assert client.waiting == 0


async def test_none_once_the_client_left_and_the_work_has_ended() -> None:
    client, work = Client(), Work()
    client.disconnect()
    assert await unless_disconnected(client.receive, work.run()) is None
    assert work.ended == "cancelled"


async def test_what_the_work_raises() -> None:
    client, work = Client(), Work()
    work.result.set_exception(LookupError("nothing"))
    with pytest.raises(LookupError):
        await unless_disconnected(client.receive, work.run())
    assert client.waiting == 0


async def test_a_caller_that_is_cancelled_leaves_nothing_behind() -> None:
    client, work = Client(), Work()
    asked = asyncio.create_task(unless_disconnected(client.receive, work.run()))
    await client.is_awaited()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (work.ended, client.waiting) == ("cancelled", 0)
