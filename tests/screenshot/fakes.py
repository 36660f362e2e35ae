"""A directory that answers, and a capture that can be told what to show, with real sockets."""

import asyncio
import contextlib
import inspect
import random
from collections.abc import Callable

import zmq.asyncio

from fanlight_common.bus.ring import FrameRing, host_id
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint, open_socket
from fanlight_common.process import clock
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, frames, topics
from fanlight_common.protocol.binary import PointerPosition, PointerShape
from fanlight_common.protocol.topics import Lane

WIDTH, HEIGHT = 64, 32


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, plain or asynchronous, that something else makes true."""
    async with asyncio.timeout(30):
        while True:
            value = condition()
            if await value if inspect.isawaitable(value) else value:
                return
            await asyncio.sleep(0.005)


class FakeDirectory:
    """A directory that answers subscriptions with its records, and publishes each change."""

    def __init__(self, settings: BusSettings) -> None:
        self.context = zmq.asyncio.Context()
        self.settings = settings
        self.records: dict[bytes, bus.DirectoryOutlet] = {}
        self.subscribed: set[bytes] = set()
        self.heartbeats: dict[str, bus.Heartbeat] = {}
        self.outlet = open_socket(self.context, SocketRole.DIRECTORY_OUTLET)
        self.outlet.bind(ipc_endpoint(settings.runtime_dir, "directory", "outlet"))
        self.inlet = open_socket(self.context, SocketRole.INLET)
        self.inlet.bind(ipc_endpoint(settings.runtime_dir, "directory", "inlet"))
        self._tasks = [asyncio.create_task(self._answer()), asyncio.create_task(self._listen())]

    def tell(self, topic: bytes, record: bus.DirectoryOutlet) -> None:
        """Publish a record, and keep it for later subscriptions."""
        self.records[topic] = record
        self.outlet.send_multipart([topic, bus.encode(record)])

    async def close(self) -> None:
        """End the tasks and close the sockets."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.context.destroy(linger=0)

    async def _answer(self) -> None:
        while True:
            message = await self.outlet.recv()
            topic = message[1:]
            if message[0] == 0:
                self.subscribed.discard(topic)
                continue
            self.subscribed.add(topic)
            for known, record in self.records.items():
                if known.startswith(topic):
                    self.outlet.send_multipart([known, bus.encode(record)])

    async def _listen(self) -> None:
        while True:
            message = bus.decode_directory_inlet(await self.inlet.recv())
            if isinstance(message, bus.Heartbeat):
                earlier = self.heartbeats.get(message.id)
                self.heartbeats[message.id] = message
                if earlier is None or earlier.http != message.http:
                    record = bus.ServiceRecord(
                        message.kind, message.id, True, message.instance, message.host, message.http
                    )
                    self.tell(topics.service(message.kind, message.id), record)


class FakeCapture:
    """A desk of one colour. Unless it is `mute`, it answers grabs. `told` has what it was told."""

    def __init__(self, directory: FakeDirectory, desk: str = "main", id_: str = "c1") -> None:
        self.directory = directory
        self.desk = desk
        self.id = id_
        self.told: list[bus.CaptureInlet] = []
        self.subscribed: set[bytes] = set()
        self.mute = False
        self.sequence = 1
        self.awaited = False
        """Whether it was asked for the next picture, which is not there yet."""
        self.colour = (255, 0, 0)
        self.noise = False
        """Whether the desk shows noise instead of the colour, which makes lossless images large."""
        self.lane = Lane.SHM
        self.broken_ring = False
        self.events = 0
        self.shape = b""
        self.position = b""
        self.outlet = open_socket(directory.context, SocketRole.CAPTURE_OUTLET)
        self.outlet.set_hwm(1000)  # events of a test come in bursts
        self.outlet_endpoint = ipc_endpoint(directory.settings.runtime_dir, id_, "outlet")
        self.outlet.bind(self.outlet_endpoint)
        self.inlet = open_socket(directory.context, SocketRole.INLET)
        self.inlet_endpoint = ipc_endpoint(directory.settings.runtime_dir, id_, "inlet")
        self.inlet.bind(self.inlet_endpoint)
        self.ring = FrameRing(WIDTH * HEIGHT * 4)
        self._tasks = [asyncio.create_task(self._demand()), asyncio.create_task(self._listen())]

    def announce(
        self, *, alive: bool = True, size: tuple[int, int] = (WIDTH, HEIGHT), host: str = ""
    ) -> None:
        """Have the directory publish the record of this desk."""
        record = bus.DeskRecord(
            self.desk,
            alive,
            self.id,
            f"{self.id}-1",
            host or host_id(),
            self.outlet_endpoint,
            self.inlet_endpoint,
            *size,
        )
        self.directory.tell(topics.desk(self.desk), record)

    @property
    def grabs(self) -> int:
        """Return how often it was asked for a picture."""
        return sum(isinstance(message, bus.Grab) for message in self.told)

    def show(self, colour: tuple[int, int, int]) -> None:
        """Change the desk."""
        self.colour = colour
        self.sequence += 1
        if self.awaited:
            self.awaited = False
            self.publish()

    def publish(self) -> None:
        """Publish the desk as it is now, under screenshot/."""
        red, green, blue = self.colour
        content = bytes((blue, green, red, 0)) * (WIDTH * HEIGHT)
        if self.noise:
            content = random.Random(1).randbytes(len(content))
        slot, pixels = None, None
        if self.lane is Lane.SHM:
            index = self.ring.begin()
            self.ring.pixels(index)[: len(content)] = content
            slot = self.ring.publish(index)
            if self.broken_ring:
                self.ring.begin(), self.ring.begin(), self.ring.begin(), self.ring.begin()
        else:
            pixels = memoryview(content)
        now = clock.now_us()
        frame = frames.Frame(WIDTH, HEIGHT, WIDTH * 4, 7, self.sequence, now, now, (), slot, pixels)
        self.outlet.send(frames.encode(topics.screenshot(self.desk, self.lane), frame))

    def point(self, shape: PointerShape | None, position: PointerPosition | None) -> None:
        """Change the pointer."""
        self.shape = shape.encode() if shape is not None else self.shape
        self.position = position.encode() if position is not None else self.position
        for message in (shape, position):
            if message is not None:
                self.event(binary=message.encode())

    def event(self, binary: bytes = b"", text: str = "", skip: int = 0) -> None:
        """Publish the next event, after a gap of `skip` events."""
        self.events += 1 + skip
        event = bus.encode(bus.Event(self.events, binary, text))
        self.outlet.send_multipart([topics.events(self.desk), event])

    async def close(self) -> None:
        """Stop, and close the sockets, as if the process died."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.outlet.close(linger=0)
        self.inlet.close(linger=0)

    async def _demand(self) -> None:
        while True:
            message = await self.outlet.recv()
            topic = message[1:]
            if message[0] == 0:
                self.subscribed.discard(topic)
                continue
            self.subscribed.add(topic)
            if topic.startswith(b"screenshot/"):
                self.lane = Lane(topics.parse(topic)[2])
                if not self.mute:
                    self.publish()
            elif topic == topics.events(self.desk):
                for message in (self.shape, self.position):
                    if message:
                        self.event(binary=message)

    async def _listen(self) -> None:
        while True:
            message = bus.decode_capture_inlet(await self.inlet.recv())
            self.told.append(message)
            if isinstance(message, bus.Grab) and not self.mute:
                self.publish()
            elif isinstance(message, bus.GrabNext) and not self.mute:
                self.awaited = message.sequence == self.sequence
                if not self.awaited:
                    self.publish()
