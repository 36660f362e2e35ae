"""All desks that the directory has ever told of, and the pool that copies and encodes for them.

Lives on the worker's loop. Keeps the last pictures of the desks that were asked for last; drops the
others'.
"""

import asyncio
import contextlib
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from fanlight_common.bus.inlet_connections import InletConnections
from fanlight_common.patching.pixels import Pixels
from fanlight_common.process import clock
from fanlight_common.process.ticks import tick
from fanlight_common.process.worker import Worker
from fanlight_common.protocol import bus, topics
from fanlight_screenshot import metrics
from fanlight_screenshot.core.parameters import Parameters
from fanlight_screenshot.desks.deltas import Deltas
from fanlight_screenshot.desks.desk import Desk, Shot
from fanlight_screenshot.desks.pointer import Pointer
from fanlight_screenshot.images import images
from fanlight_screenshot.images.recent_pictures import Pictures
from fanlight_screenshot.settings import ScreenshotSettings

_EXPIRE_INTERVAL_S = 1.0


class BusyError(Exception):
    """More pictures are under way, or requests are held, than the settings allow."""


class Desks:
    """Use it as a context: it starts following desks on entry and lets them all go at the end."""

    def __init__(self, worker: Worker, settings: ScreenshotSettings) -> None:
        self.settings = settings
        self._worker = worker
        self._inlets = InletConnections(worker.network)
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="encode")
        self._desks: dict[str, Desk] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._pictures = Pictures(settings.keep_bases)
        self._deltas: dict[str, Deltas] = {}
        self._pending = 0
        self._waiting: Counter[tuple[str, ...]] = Counter()
        """Requests that are held: at (), at a desk's name, at the names of a desk and a viewer."""
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._end_watch = self._worker.directory.watch(topics.DESKS, self._on_record)
        self._expiry = self._group.create_task(self._expire())
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._end_watch()
        for task in (self._expiry, *self._tasks.values()):
            task.cancel()
        # What a task failed with ends the process, by this.
        await self._group.__aexit__(None, None, None)
        for desk in self._desks.values():
            desk.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def get(self, name: str) -> Desk | None:
        """The desk of that name; None if there never was one."""
        return self._desks.get(name)

    def records(self) -> list[bus.DeskRecord]:
        """Every desk's newest record, by name."""
        return [self._desks[name].record for name in sorted(self._desks)]

    async def encoding(
        self, desk: Desk, shot: Shot, tag: str, parameters: Parameters, pointer: Pointer | None
    ) -> bytes:
        """The bytes of a shot. Raises FrameLostError, or BusyError."""

        async def make() -> bytes:
            with self._admitted():
                pixels = await desk.picture(shot.frame)
                self._used(desk)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, _encode, pixels, parameters, pointer)

        return await desk.encodings.get(tag, make)

    def deltas(self, desk: Desk) -> Deltas:
        """The maker of this desk's patches."""
        name = desk.record.desk
        if name not in self._deltas:
            self._deltas[name] = Deltas(
                desk, self._pictures, self._pool, self.settings, self._admitted
            )
        return self._deltas[name]

    @contextlib.contextmanager
    def held(self, desk: str, viewer: str) -> Iterator[None]:
        """Around a request that waits. Raises BusyError where too many do, before it has begun."""
        most: dict[tuple[str, ...], int] = {
            (): self.settings.max_waiting,
            (desk,): self.settings.max_waiting_desk,
        }
        if viewer:
            most[desk, viewer] = self.settings.max_waiting_viewer
        if any(self._waiting[place] >= limit for place, limit in most.items()):
            raise BusyError
        self._waiting.update(most.keys())
        metrics.waiting.set(self._waiting[()])
        try:
            yield
        finally:
            for place in most:
                self._waiting[place] -= 1
                if not self._waiting[place]:
                    del self._waiting[place]
            metrics.waiting.set(self._waiting[()])

    @contextlib.contextmanager
    def _admitted(self) -> Iterator[None]:
        """Around the making of one picture. Raises BusyError where too many are under way."""
        if self._pending >= self.settings.max_pending:
            raise BusyError
        self._pending += 1
        try:
            yield
        finally:
            self._pending -= 1

    def _used(self, desk: Desk) -> None:
        name = desk.record.desk
        self._recent[name] = None
        self._recent.move_to_end(name)
        while len(self._recent) > self.settings.keep_pictures:
            forgotten, _ = self._recent.popitem(last=False)
            self._desks[forgotten].forget_picture()

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.DeskRecord):
            return
        desk = self._desks.get(record.desk)
        if desk is not None:
            desk.moved(record)
            return
        desk = Desk(self._worker, self._inlets, self._pool, self.settings, record)
        self._desks[record.desk] = desk
        self._tasks[record.desk] = self._group.create_task(desk.run())

    async def _expire(self) -> None:
        while True:
            await tick(_EXPIRE_INTERVAL_S)
            for desk in self._desks.values():
                desk.pointer.expire(clock.now_s(), self.settings.pointer_keep_s)


def _encode(pixels: Pixels, parameters: Parameters, pointer: Pointer | None) -> bytes:
    """In the pool."""
    started = time.perf_counter()
    if pointer is None and images.is_direct(parameters):
        data = images.encode_directly(pixels, parameters)
    else:
        image = images.from_bgrx(pixels)
        if pointer is not None:
            image = images.with_pointer(image, pointer.image, pointer.position, pointer.hotspot)
        data = images.encode(image, parameters)
    metrics.encodes.labels(parameters.format).inc()
    metrics.encode_seconds.labels(parameters.format).observe(time.perf_counter() - started)
    return data
