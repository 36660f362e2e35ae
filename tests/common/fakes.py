"""Fakes for tests of workers: a directory that decides nothing, a capture without a display."""

import zmq.asyncio

from fanlight_common.bus.ring import FrameRing, host_id
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint, open_socket
from fanlight_common.process import clock
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, frames, topics
from fanlight_common.protocol.topics import Lane


class FakeDirectory:
    """The two sockets of a directory."""

    def __init__(self, settings: BusSettings) -> None:
        self.context = zmq.asyncio.Context()
        self.outlet = open_socket(self.context, SocketRole.DIRECTORY_OUTLET)
        self.outlet.bind(ipc_endpoint(settings.runtime_dir, "directory", "outlet"))
        self.inlet = open_socket(self.context, SocketRole.INLET)
        self.inlet.bind(ipc_endpoint(settings.runtime_dir, "directory", "inlet"))

    async def told(self) -> bus.DirectoryInlet:
        """Wait for the next message at its inlet; return it."""
        return bus.decode_directory_inlet(await self.inlet.recv())

    async def publish(self, topic: bytes, record: bus.DirectoryOutlet) -> None:
        """Publish a record."""
        await self.outlet.send_multipart([topic, bus.encode(record)])

    def close(self) -> None:
        """Close all sockets."""
        self.context.destroy(linger=0)


class FakeCapture:
    """A capture's outlet and a ring. Frames have 8 x 4 pixels; each byte is the frame's number."""

    WIDTH, HEIGHT, STRIDE = 8, 4, 32

    def __init__(self, directory: FakeDirectory, settings: BusSettings, id_: str) -> None:
        self.outlet = open_socket(directory.context, SocketRole.CAPTURE_OUTLET)
        self.endpoint = ipc_endpoint(settings.runtime_dir, id_, "outlet")
        self.outlet.bind(self.endpoint)
        self.ring = FrameRing(self.STRIDE * self.HEIGHT)
        self.id = id_

    def record(self, *, alive: bool = True, host: str | None = None) -> bus.DeskRecord:
        """Return the record of its desk."""
        host = host_id() if host is None else host
        return bus.DeskRecord(
            "main", alive, self.id, f"{self.id}-1", host, self.endpoint, "", self.WIDTH, self.HEIGHT
        )

    async def publish(self, number: int, lane: Lane) -> None:
        """Publish frame `number` under frame/main/."""
        content = bytes([number]) * (self.STRIDE * self.HEIGHT)
        slot, pixels = None, None
        if lane is Lane.SHM:
            index = self.ring.begin()
            self.ring.pixels(index)[: len(content)] = content
            slot = self.ring.publish(index)
        else:
            pixels = memoryview(content)
        now = clock.now_us()
        frame = frames.Frame(
            self.WIDTH, self.HEIGHT, self.STRIDE, 1, number, now, now, (), slot, pixels
        )
        await self.outlet.send(frames.encode(topics.frame("main", lane), frame))
