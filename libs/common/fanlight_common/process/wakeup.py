"""Wakes the one task that waits for something to happen, or for a moment.

Lives on the worker's loop. The same as an Event within a timeout, at a third of the cost: no
timeout of its own, no cancelling and no exception, for what waits once a picture. What was
set before the waiting counts; several are one.
"""

import asyncio


class Wakeup:
    """Create it inside the running loop, or wait in it first."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Something happened."""
        self._is_set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def clear(self) -> None:
        """What happened until now is known."""
        self._is_set = False

    async def wait(self, seconds: float | None) -> None:
        """Until the next `set` after the last `clear`, at most so long; None: as long as it takes.

        For one task at a time.
        """
        if self._is_set or (seconds is not None and seconds <= 0):
            await asyncio.sleep(0)  # the others' turn all the same
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, _end, self._waiter)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
