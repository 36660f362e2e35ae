"""All desks that the directory has ever published, and the threads that copy and encode for them.

Lives on the worker's loop. It owns the desks and the threads. It keeps the last pictures of the
desks that were asked for last, and drops those of the others.

An error about one desk closes that desk and no other (`_failed`). `core.desk_life` has the table of
when a desk is connected to.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from fanlight_common.bus.inlet_connections import InletConnections
from fanlight_common.patching.images import from_bgrx
from fanlight_common.patching.pixels import Pixels
from fanlight_common.process import clock
from fanlight_common.process.ticks import tick
from fanlight_common.protocol import bus, topics
from fanlight_common.service.worker import Worker
from fanlight_screenshot import metrics
from fanlight_screenshot.core.admission import Admission, AdmissionLimits
from fanlight_screenshot.core.desk_life import DeskEffect, DeskLife
from fanlight_screenshot.core.parameters import Parameters
from fanlight_screenshot.core.tuning import Tuning
from fanlight_screenshot.desks.deltas import Deltas
from fanlight_screenshot.desks.desk import DeskClosedError, ScreenshotDesk, Shot
from fanlight_screenshot.desks.pointer import Pointer
from fanlight_screenshot.images import images
from fanlight_screenshot.images.recent_pictures import RecentPictures
from fanlight_screenshot.settings import ScreenshotSettings

log = logging.getLogger(__name__)
_EXPIRE_INTERVAL_S = 1.0
_BASES_MIN, _DESKS_A_BASE = 2, 4
"""One picture to make patches from is kept for every four last pictures, but at least two."""


class DeskPool:
    """A context: it follows the desks from its entry on, and closes all of them at its end."""

    def __init__(self, worker: Worker, settings: ScreenshotSettings, tuning: Tuning) -> None:
        self._keep_pictures = settings.keep_pictures
        self._tuning = tuning
        self._worker = worker
        self._inlets = InletConnections(worker.network)
        self._pool = ThreadPoolExecutor(settings.threads, thread_name_prefix="encode")
        self._lives: dict[str, DeskLife] = {}
        """Each desk of which a record came, also one that failed and is not open now."""
        self._desks: dict[str, ScreenshotDesk] = {}
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
        self._expiry.cancel()
        for desk in self._desks.values():
            desk.close()
        # If an error is not about a desk, this raises it, and that ends the process.
        await self._group.__aexit__(None, None, None)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def get(self, name: str) -> ScreenshotDesk | None:
        """Return the desk of that name, None if there never was one.

        Opens a desk that has failed. Raises DeskClosedError if it fails again.
        """
        life = self._lives.get(name)
        if life is None:
            return None
        if life.requested() is DeskEffect.CONNECT:
            return self._open(life)
        return self._desks[name]

    def records(self) -> list[bus.DeskRecord]:
        """Return the newest record of each desk, sorted by name."""
        return [self._lives[name].record for name in sorted(self._lives)]

    async def encoding(
        self,
        desk: ScreenshotDesk,
        shot: Shot,
        tag: str,
        parameters: Parameters,
        pointer: Pointer | None,
    ) -> bytes:
        """Return a shot as an image file. Raises FrameLostError, DeskClosedError or BusyError."""

        async def make() -> bytes:
            with self._admitted():
                pixels = await desk.picture(shot.frame)
                self._used(desk)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, _encode, pixels, parameters, pointer)

        return await desk.encodings.get(tag, make)

    def deltas(self, desk: ScreenshotDesk) -> Deltas:
        """Return the object that makes this desk's patches. Raises DeskClosedError."""
        desk.require_open()
        name = desk.record.desk
        if name not in self._deltas:
            self._deltas[name] = Deltas(
                desk, self._pictures, self._pool, self._tuning.patches, self._admitted
            )
        return self._deltas[name]

    @contextlib.contextmanager
    def waiting(self, desk: str, client: str) -> Iterator[None]:
        """Count a request while it waits. Raises BusyError at once if too many wait."""
        self._admission.begin_wait(desk, client)
        metrics.waiting.set(self._admission.waiting)
        try:
            yield
        finally:
            self._admission.end_wait(desk, client)
            metrics.waiting.set(self._admission.waiting)

    @contextlib.contextmanager
    def _admitted(self) -> Iterator[None]:
        """Count a picture while it is made. Raises BusyError at once if too many are under way."""
        self._admission.begin_picture()
        try:
            yield
        finally:
            self._admission.end_picture()

    def _used(self, desk: ScreenshotDesk) -> None:
        name = desk.record.desk
        self._recent[name] = None
        self._recent.move_to_end(name)
        while len(self._recent) > self._keep_pictures:
            forgotten, _ = self._recent.popitem(last=False)
            if forgotten in self._desks:
                self._desks[forgotten].forget_picture()

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.DeskRecord):
            return
        life = self._lives.get(record.desk)
        if life is None:
            life = self._lives[record.desk] = DeskLife(record)
            effect = DeskEffect.CONNECT
        else:
            effect = life.recorded(record)
        if effect is DeskEffect.CONNECT:
            with contextlib.suppress(DeskClosedError):
                self._open(life)
        elif effect is DeskEffect.MOVE:
            desk = self._desks[record.desk]
            try:
                desk.moved(record)
            except Exception as error:  # noqa: BLE001 - ends the desk it is about, not the process
                self._failed(desk, error)

    def _open(self, life: DeskLife) -> ScreenshotDesk:
        """Return a new desk for the newest record. Raises DeskClosedError, and logs the cause."""
        record = life.record
        try:
            desk = ScreenshotDesk(
                self._worker,
                self._inlets,
                self._pool,
                self._group,
                self._tuning,
                record,
                self._failed,
            )
        except Exception as error:  # noqa: BLE001 - ends the desk it is about, not the process
            life.failed()
            _note_failure(record.desk, error)
            raise DeskClosedError(f"desk {record.desk} could not be opened") from None
        self._desks[record.desk] = desk
        return desk

    def _failed(self, desk: ScreenshotDesk, error: Exception) -> None:
        """Close the desk that raised `error`. Its record stays."""
        name = desk.record.desk
        if self._desks.get(name) is not desk:
            return
        del self._desks[name]
        self._lives[name].failed()
        self._deltas.pop(name, None)
        self._recent.pop(name, None)
        _note_failure(name, error)
        desk.close()

    async def _expire(self) -> None:
        while True:
            await tick(_EXPIRE_INTERVAL_S)
            for desk in self._desks.values():
                desk.pointer.expire(clock.now_s())


def _note_failure(name: str, error: Exception) -> None:
    log.error("event=desk_failed desk=%s", name, exc_info=error)
    metrics.failed_desks.inc()


def _encode(pixels: Pixels, parameters: Parameters, pointer: Pointer | None) -> bytes:
    """Return the image file. Runs in the pool."""
    started = time.perf_counter()
    if pointer is None and images.is_direct(parameters):
        data = images.encode_directly(pixels, parameters)
    else:
        image = from_bgrx(pixels)
        if pointer is not None:
            image = images.with_pointer(image, pointer.image, pointer.position, pointer.hotspot)
        data = images.encode(image, parameters)
    metrics.encodes.labels(parameters.format).inc()
    metrics.encode_seconds.labels(parameters.format).observe(time.perf_counter() - started)
    return data
