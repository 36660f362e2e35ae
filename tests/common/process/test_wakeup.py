"""Waiting for something to happen, or for a moment."""

import asyncio
import contextlib

from fanlight_common.process.wakeup import Alarm


async def test_a_ring_ends_the_waiting_and_is_remembered_until_the_reset() -> None:
    alarm = Alarm()
    waiting = asyncio.ensure_future(alarm.wait(None))
    await asyncio.sleep(0)
    assert not waiting.done()
    alarm.ring()
    alarm.ring()
    await waiting
    await alarm.wait(None)  # it has rung already
    alarm.reset()
    waiting = asyncio.ensure_future(alarm.wait(None))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    alarm.ring()  # with nobody there


async def test_a_moment_ends_it_without_a_ring() -> None:
    alarm = Alarm()
    await alarm.wait(0.01)
    await alarm.wait(-1.0)
    waiting = asyncio.ensure_future(alarm.wait(0.01))
    await asyncio.sleep(0)
    alarm.ring()
    await waiting
    # The timer has gone with it, and does not end the next waiting.
    alarm.reset()
    waiting = asyncio.ensure_future(alarm.wait(None))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    waiting.cancel()
