"""Fixtures: a gateway on a bus of its own, on uvloop, which it also runs on in production."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path

import pytest
import uvloop

from fanlight_common.process import tokens
from fanlight_common.process.settings import BusSettings
from fanlight_common.service.worker import Worker
from fanlight_gateway.__main__ import serve
from fanlight_gateway.limits import Limits
from fanlight_gateway.settings import GatewaySettings, ViewerSettings
from tests.gateway.clients import Site
from tests.gateway.fakes import FakeEncoder
from tests.screenshot.fakes import FakeCapture, FakeDirectory, until


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on uvloop, because its transports behave differently from asyncio's."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def bus_settings() -> Iterator[BusSettings]:
    directory = Path(tempfile.mkdtemp(prefix="fl-"))
    yield BusSettings(runtime_dir=directory, id="gw", heartbeat_timeout_s=0.2)
    shutil.rmtree(directory)


@pytest.fixture
async def directory(bus_settings: BusSettings) -> AsyncIterator[FakeDirectory]:
    fake = FakeDirectory(bus_settings)
    yield fake
    await fake.close()


@pytest.fixture
async def capture(directory: FakeDirectory) -> AsyncIterator[FakeCapture]:
    """A capture of the desk `main`, which is live."""
    fake = FakeCapture(directory)
    fake.announce()
    yield fake
    await fake.close()


@pytest.fixture
async def encoder(directory: FakeDirectory) -> AsyncIterator[FakeEncoder]:
    """An encoder with the lease on main/high."""
    fake = FakeEncoder(directory)
    fake.lease("main/high", 1)
    yield fake
    await fake.close()


Start = Callable[..., Awaitable[Site]]


def limits_with(**changes: object) -> Limits:
    """Return the gateway's constants with these changes, whichever group each of them is in."""
    limits = Limits()
    for group in fields(limits):
        old = getattr(limits, group.name)
        ours = {f.name: changes.pop(f.name) for f in fields(old) if f.name in changes}
        limits = replace(limits, **{group.name: replace(old, **ours)})
    assert not changes, f"neither settings nor limits: {changes}"
    return limits


@pytest.fixture
async def start(bus_settings: BusSettings) -> AsyncIterator[Start]:
    """Starts gateways, with the test's own settings and constants."""
    async with contextlib.AsyncExitStack() as stack:

        async def begin(settle_s: float = 0.0, **settings: object) -> Site:
            ours = {"secret_file": bus_settings.runtime_dir / "secret"}
            ours |= {n: settings.pop(n) for n in GatewaySettings.model_fields if n in settings}
            own = GatewaySettings(port=0, **ours)  # type: ignore[arg-type]  # by name
            limits = limits_with(**settings)
            worker = Worker("gateway", bus_settings, None)
            task = asyncio.create_task(
                worker.serve(lambda w: serve(w, own, ViewerSettings(), settle_s, limits))
            )

            async def stop() -> None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

            stack.push_async_callback(stop)
            await until(lambda: worker.offer.http or task.done())
            assert own.secret_file is not None
            site = Site(worker, tokens.load_secret(own.secret_file), stop)
            stack.push_async_callback(site.close)
            return site

        yield begin


@pytest.fixture
async def site(start: Start, directory: FakeDirectory, capture: FakeCapture) -> Site:
    """A gateway with default settings that knows the desk."""
    # It repeats a request sooner than by default, because the first one of a new connection may
    # get no answer.
    site = await start(retry_s=0.1)
    await site.ready("main")
    return site
