"""All desks that the directory has ever published, and the threads that copy and encode for them.

Lives on the worker's loop. It keeps the last pictures of the desks that were asked for last, and
drops those of the others.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
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
from fanlight_screenshot.core.admission import Admission, AdmissionLimits
from fanlight_screenshot.core.parameters import Parameters
from fanlight_screenshot.core.tuning import Tuning
from fanlight_screenshot.desks.deltas import Deltas
from fanlight_screenshot.desks.desk import ScreenshotDesk, Shot
from fanlight_screenshot.desks.pointer import Pointer
from fanlight_screenshot.images import images
from fanlight_screenshot.images.recent_pictures import RecentPictures
from fanlight_screenshot.settings import ScreenshotSettings

_EXPIRE_INTERVAL_S = 1.0
_BASES_MIN, _DESKS_A_BASE = 2, 4
"""For so many last pictures one picture to make patches from is kept, but two at least."""


class DeskPool:
    """A context: it follows the desks from its entry on, and lets them all go at its end."""

    def __init__(self, worker: Worker, settings: ScreenshotSettings, tuning: Tuning) -> None:
        self._keep_pictures = settings.keep_pictures
        self._tuning = tuning
        self._worker = worker
        self._inlets = InletConnections(worker.network)
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="encode")
        self._desks: dict[str, ScreenshotDesk] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._pictures = RecentPictures(max(_BASES_MIN, settings.keep_pictures // _DESKS_A_BASE))
        self._deltas: dict[str, Deltas] = {}
        self._admission = Admission(
            tuning.admission or AdmissionLimits(settings.max_pending, settings.max_waiting)
        )
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
        # A task that has failed raises here, and that ends the process.
        await self._group.__aexit__(None, None, None)
        for desk in self._desks.values():
            desk.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def get(self, name: str) -> ScreenshotDesk | None:
        """The desk of that name; None if there never was one."""
        return self._desks.get(name)

    def records(self) -> list[bus.DeskRecord]:
        """Every desk's newest record, by name."""
        return [self._desks[name].record for name in sorted(self._desks)]

    async def encoding(
        self,
        desk: ScreenshotDesk,
        shot: Shot,
        tag: str,
        parameters: Parameters,
        pointer: Pointer | None,
    ) -> bytes:
        """The image file of a shot. Raises FrameLostError or BusyError."""

        async def make() -> bytes:
            with self._admitted():
                pixels = await desk.picture(shot.frame)
                self._used(desk)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, _encode, pixels, parameters, pointer)

        return await desk.encodings.get(tag, make)

    def deltas(self, desk: ScreenshotDesk) -> Deltas:
        """What makes this desk's patches."""
        name = desk.record.desk
        if name not in self._deltas:
            self._deltas[name] = Deltas(
                desk, self._pictures, self._pool, self._tuning.patches, self._admitted
            )
        return self._deltas[name]

    @contextlib.contextmanager
    def held(self, desk: str, client: str) -> Iterator[None]:
        """Around a request that waits. Raises BusyError where too many do, before it has begun."""
        self._admission.hold(desk, client)
        metrics.waiting.set(self._admission.held)
        try:
            yield
        finally:
            self._admission.release(desk, client)
            metrics.waiting.set(self._admission.held)

    @contextlib.contextmanager
    def _admitted(self) -> Iterator[None]:
        """Around the making of one picture. Raises BusyError where too many are under way."""
        self._admission.begin()
        try:
            yield
        finally:
            self._admission.end()

    def _used(self, desk: ScreenshotDesk) -> None:
        name = desk.record.desk
        self._recent[name] = None
        self._recent.move_to_end(name)
        while len(self._recent) > self._keep_pictures:
            forgotten, _ = self._recent.popitem(last=False)
            self._desks[forgotten].forget_picture()

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.DeskRecord):
            return
        desk = self._desks.get(record.desk)
        if desk is not None:
            desk.moved(record)
            return
        desk = ScreenshotDesk(self._worker, self._inlets, self._pool, self._tuning, record)
        self._desks[record.desk] = desk
        self._tasks[record.desk] = self._group.create_task(desk.run())

    async def _expire(self) -> None:
        while True:
            await tick(_EXPIRE_INTERVAL_S)
            for desk in self._desks.values():
                desk.pointer.expire(clock.now_s())


def _encode(pixels: Pixels, parameters: Parameters, pointer: Pointer | None) -> bytes:
    """The image file; runs in the pool."""
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
