"""The gateway's clockwork stands still while nobody watches."""

import asyncio
from collections.abc import Callable

import pytest

from fanlight_common.bus.unit_feed import TICK_S
from fanlight_gateway.gateway import Gateway
from tests.gateway.clients import Site
from tests.screenshot.fakes import FakeCapture, until


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One entry for each tick; it is there before the gateway of the test."""
    counted: list[None] = []
    tick: Callable[[Gateway], None] = Gateway._tick

    def counting(gateway: Gateway) -> None:
        counted.append(None)
        tick(gateway)

    monkeypatch.setattr(Gateway, "_tick", counting)
    return counted


async def test_no_ticks_without_viewers(
    ticks: list[None], capture: FakeCapture, site: Site
) -> None:
    await site.ready("main")
    await asyncio.sleep(4 * TICK_S)  # time for ticks, of which none may come
    assert ticks == [], "nobody has come yet"
    async with site.viewer(video=False):
        await until(lambda: len(ticks) > 2)

    async def stands() -> bool:
        before = len(ticks)
        await asyncio.sleep(4 * TICK_S)  # as above
        return len(ticks) == before

    await until(stands)
    before = len(ticks)
    async with site.viewer(video=False):
        await until(lambda: len(ticks) > before)
