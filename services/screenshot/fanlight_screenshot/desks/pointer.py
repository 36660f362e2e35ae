"""The desk's pointer, followed while somebody asks for screenshots with it.

Lives on the worker's loop. It subscribes to the desk's events with the first such request and
unsubscribes some time after the last. It drops every event but the newest image and position.
"""

import asyncio
import hashlib
import logging
from dataclasses import dataclass

import zmq.asyncio
from PIL import Image
from prometheus_client import Counter

from fanlight_common.bus.network import BusNetwork
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import refusals
from fanlight_common.process.tasks import spawn
from fanlight_common.protocol import binary, bus, topics
from fanlight_screenshot.core.pointer_times import PointerTimes
from fanlight_screenshot.images import images

log = logging.getLogger(__name__)
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

    def __init__(self, network: BusNetwork, desk: str, times: PointerTimes) -> None:
        self._times = times
        self._network = network
        self._topic = topics.events(desk)
        self._endpoint = ""
        self._socket: zmq.asyncio.Socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._known = asyncio.Event()
        self._last_event = 0
        self._used_at = 0.0
        self._image: tuple[Image.Image, tuple[int, int], str] | None = None
        self._position: tuple[int, int] | None = None

    def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None
        self._image, self._position, self._last_event = None, None, 0
        self._known = asyncio.Event()

    def moved(self, endpoint: str) -> None:
        """Follow the desk's events at another endpoint, where they come from now."""
        if endpoint != self._endpoint:
            followed = self._socket is not None
            self.close()
            self._endpoint = endpoint
            if followed:
                self._open()

    async def current(self, now: float) -> Pointer | None:
        """The pointer now; None while it is hidden, or while nothing is known of it in time."""
        self._used_at = now
        if self._socket is None and self._endpoint:
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
        if self._socket is not None and now - self._used_at >= self._times.keep_s:
            self.close()

    def _open(self) -> None:
        self._socket = self._network.open(SocketRole.EVENTS)
        self._socket.subscribe(self._topic)
        self._network.connect(self._socket, self._endpoint)
        self._task = spawn(self._follow(self._socket))

    async def _follow(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            parts = await socket.recv_multipart()
            try:
                if len(parts) != 2:
                    raise ProtocolError(f"event: {len(parts)} parts, wants 2")
                self._on_event(bus.decode_event(parts[1]), socket)
            except ProtocolError as error:
                refused.inc()
                refusals.note(log, "events", error, self._endpoint)

    def _on_event(self, event: bus.Event, socket: zmq.asyncio.Socket) -> None:
        if self._last_event and event.sequence != self._last_event + 1:
            # An event was lost: subscribing again brings the present image and position.
            socket.unsubscribe(self._topic)
            socket.subscribe(self._topic)
        self._last_event = event.sequence
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
