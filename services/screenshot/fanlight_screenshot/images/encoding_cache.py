"""Each encoding is made once, because callers of the same tag share the result.

Lives on the worker's loop. Owns the encodings of one desk, and drops those that were used longest
ago.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

KEEP = 8
"""The most encodings that are kept for one desk. They differ in their parameters or, for patches,
in the picture that they start from."""


class EncodingCache(Generic[T]):
    """The encodings of one desk, by entity tag."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._done: OrderedDict[str, T] = OrderedDict()
        self._under_way: dict[str, asyncio.Future[T]] = {}

    async def get(self, tag: str, make: Callable[[], Awaitable[T]]) -> T:
        """Return the encoding of `tag`.

        `make` is called only if the encoding is neither kept nor being made.
        Cancelling one caller does not cancel the others. If `make` raises, every waiting caller
        gets that error.
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
        # The exception is read, because asyncio would log that it was never retrieved if no caller
        # is left.
        if task.cancelled() or task.exception() is not None:
            return
        self._done[tag] = task.result()
        while len(self._done) > self._keep:
            self._done.popitem(last=False)
