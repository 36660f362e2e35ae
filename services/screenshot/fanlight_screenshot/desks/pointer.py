"""The desk's pointer, followed while somebody asks for screenshots with it.

Lives on the worker's loop. It subscribes to the desk's events with the first such request and
unsubscribes some time after the last. It drops every event but the newest image and position. An
error about an event is passed to `failed`, which closes the desk. `core.pointer_life` decides when
it subscribes.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image
from prometheus_client import Counter

from fanlight_common.bus.event_feed import EventFeed
from fanlight_common.bus.network import BusNetwork
from fanlight_common.protocol import binary, bus
from fanlight_screenshot.core.pointer_life import PointerLife
from fanlight_screenshot.core.pointer_times import PointerTimes
from fanlight_screenshot.images import images

refused = Counter("fanlight_screenshot_refused_events", "Pointer events not understood")


@dataclass(frozen=True, slots=True)
class Pointer:
    """A visible pointer."""

    image: Image.Image
    hotspot: tuple[int, int]
    position: tuple[int, int]
    """Fractions of the desk, in 1/65536."""
    tag: str
    """The name of image and position, for entity tags."""


class PointerFollower:
    """The pointer of one desk."""

    def __init__(
        self,
        network: BusNetwork,
        desk: str,
        times: PointerTimes,
        group: asyncio.TaskGroup,
        failed: Callable[[Exception], None],
    ) -> None:
        """`group` runs the task that receives. `failed` has to close the desk."""
        self._times = times
        self._group = group
        self._failed = failed
        self._network = network
        self._desk = desk
        self._life = PointerLife(times.keep_s)
        self._feed: EventFeed | None = None
        self._known = asyncio.Event()
        self._image: tuple[Image.Image, tuple[int, int], str] | None = None
        self._position: tuple[int, int] | None = None

    def close(self) -> None:
        """Stop following for good. `current` subscribes to nothing any more."""
        self._life.closed()
        self._stop()

    def _stop(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None
        self._image = self._position = None
        self._known = asyncio.Event()

    def moved(self, endpoint: str) -> None:
        """Follow the desk's events at another endpoint from now on."""
        if endpoint != self._life.endpoint:
            follow = self._life.moved(endpoint)
            self._stop()
            if follow:
                self._open()

    async def current(self, now: float) -> Pointer | None:
        """Return the pointer, None if it is hidden, or if nothing is known of it in time."""
        if self._life.requested(now):
            self._open()
        if not self._known.is_set():
            try:
                async with asyncio.timeout(self._times.wait_s):
                    await self._known.wait()
            except TimeoutError:
                return None
        if self._image is None or self._position is None:
            return None
        image, hotspot, name = self._image
        tag = f"{self._position[0]:x}.{self._position[1]:x}.{name}"
        return Pointer(image, hotspot, self._position, tag)

    def expire(self, now: float) -> None:
        """Stop following if nobody has asked for long enough."""
        if self._life.expired(now):
            self._stop()

    def _open(self) -> None:
        self._feed = EventFeed(
            self._network,
            self._group,
            self._desk,
            self._life.endpoint,
            take=self._on_event,
            failed=self._failed,
            on_refused=refused.inc,
            peer=self._life.endpoint,
        )
        self._life.subscribed()

    def _on_event(self, event: bus.Event) -> None:
        if not event.binary:
            return
        match binary.decode_from_gateway(event.binary):
            case binary.PointerPosition(x, y):
                self._position = (x, y)
            case binary.PointerShape() as shape:
                image = images.decode_pointer(shape)
                name = hashlib.blake2b(event.binary, digest_size=8).hexdigest()
                hotspot = (shape.hotspot_x, shape.hotspot_y)
                self._image = None if image is None else (image, hotspot, name)
                if image is None:
                    self._known.set()
        if self._image is not None and self._position is not None:
            self._known.set()
