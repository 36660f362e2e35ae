"""Fixtures: a bus of its own with the screenshot service on it."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from fanlight_common.process.settings import BusSettings
from fanlight_common.service.worker import Worker
from fanlight_screenshot.__main__ import serve
from fanlight_screenshot.core.tuning import Tuning
from fanlight_screenshot.settings import ScreenshotSettings
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until


@pytest.fixture
def bus_settings() -> Iterator[BusSettings]:
    directory = Path(tempfile.mkdtemp(prefix="fl-"))
    yield BusSettings(runtime_dir=directory, id="shots", heartbeat_timeout_s=0.2)
    shutil.rmtree(directory)


@pytest.fixture
async def directory(bus_settings: BusSettings) -> AsyncIterator[FakeDirectory]:
    fake = FakeDirectory(bus_settings)
    yield fake
    await fake.close()


@pytest.fixture
async def capture(directory: FakeDirectory) -> AsyncIterator[FakeCapture]:
    """Gives the capture of a desk of which no record is published yet."""
    fake = FakeCapture(directory)
    yield fake
    await fake.close()


Start = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def start(bus_settings: BusSettings, directory: FakeDirectory) -> AsyncIterator[Start]:
    """Gives a function that starts the service with a test's settings, and returns a client."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(**settings: object) -> httpx.AsyncClient:
            names = [name for name in settings if name in Tuning.__dataclass_fields__]
            tuning = Tuning(**{name: settings.pop(name) for name in names})  # type: ignore[arg-type]
            own = ScreenshotSettings(port=0, **settings)  # type: ignore[arg-type]  # by name
            worker = Worker("screenshot", bus_settings, None)
            task = asyncio.create_task(worker.serve(lambda w: serve(w, own, tuning)))

            async def stop() -> None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

            stack.push_async_callback(stop)
            await until(lambda: worker.offer.http)
            client = httpx.AsyncClient(base_url=worker.offer.http, trust_env=False, timeout=20)
            return await stack.enter_async_context(client)

        yield begin


@pytest.fixture
async def client(start: Start, capture: FakeCapture) -> httpx.AsyncClient:
    """Gives a client of the service, which knows the desk."""
    capture.announce()
    client = await start()
    await know(client, "live")
    return client


async def know(client: httpx.AsyncClient, state: str) -> None:
    """Wait until the service knows the desk in this state."""

    async def knows() -> bool:
        desks = (await client.get("/desks")).json()["desks"]
        return [desk["state"] for desk in desks] == [state]

    await until(knows)
