"""One encoding however many ask for it: those under way are shared, the last few are kept.

Lives on the event loop. Drops the encodings that were used longest ago.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

KEEP = 8
"""Encodings of one desk: pictures with other parameters, or patches from other pictures."""


class Encodings(Generic[T]):
    """The encodings of one desk, by entity tag."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._done: OrderedDict[str, T] = OrderedDict()
        self._under_way: dict[str, asyncio.Future[T]] = {}

    async def get(self, tag: str, make: Callable[[], Awaitable[T]]) -> T:
        """The encoding of `tag`; `make` makes it unless it is there or under way.

        A caller that is cancelled leaves the others theirs. What `make` raises, all of them get.
        """
        if tag in self._done:
            self._done.move_to_end(tag)
            return self._done[tag]
        if tag not in self._under_way:
            task = asyncio.ensure_future(make())
            self._under_way[tag] = task
            task.add_done_callback(lambda done: self._on_done(tag, done))
        return await asyncio.shield(self._under_way[tag])

    def _on_done(self, tag: str, task: asyncio.Future[T]) -> None:
        del self._under_way[tag]
        # Looking at the exception also marks it as seen, in case that everybody was cancelled.
        if task.cancelled() or task.exception() is not None:
            return
        self._done[tag] = task.result()
        while len(self._done) > self._keep:
            self._done.popitem(last=False)
