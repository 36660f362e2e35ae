"""Waiting for something to happen, or for a moment."""

import asyncio
import contextlib

from fanlight_common.process.wakeup import Wakeup


async def test_a_ring_ends_the_waiting_and_is_remembered_until_the_reset() -> None:
    wakeup = Wakeup()
    waiting = asyncio.ensure_future(wakeup.wait(None))
    await asyncio.sleep(0)
    assert not waiting.done()
    wakeup.set()
    wakeup.set()
    await waiting
    await wakeup.wait(None)  # it was set already
    wakeup.clear()
    waiting = asyncio.ensure_future(wakeup.wait(None))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    wakeup.set()  # nobody waits


async def test_a_moment_ends_it_without_a_ring() -> None:
    wakeup = Wakeup()
    await wakeup.wait(0.01)
    await wakeup.wait(-1.0)
    waiting = asyncio.ensure_future(wakeup.wait(0.01))
    await asyncio.sleep(0)
    wakeup.set()
    await waiting
    # The timer was cancelled, so it does not end the next wait.
    wakeup.clear()
    waiting = asyncio.ensure_future(wakeup.wait(None))
    await asyncio.sleep(0.05)  # five times as long as the timer; nothing may happen
    assert not waiting.done()
    waiting.cancel()
