"""A bus around one encoder: a directory that decides nothing, a capture without a display, and a
gateway that only listens.

Everything here waits for conditions; only the time limit of the tests ends a wait otherwise.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import zmq
import zmq.asyncio

from fanlight_common.bus.ring import FrameRing, host_id
from fanlight_common.bus.sockets import SocketRole, ipc_endpoint, open_socket
from fanlight_common.core.geometry import Rect
from fanlight_common.core.names import Rendition
from fanlight_common.process import clock
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, frames, topics
from fanlight_common.protocol.binary import VideoUnit
from fanlight_common.protocol.topics import Lane
from fanlight_common.service.worker import Worker
from fanlight_encoder.codecs.base import Codec
from fanlight_encoder.core.renditions import StreamParams
from fanlight_encoder.service import EncoderService, HandoverTimes
from fanlight_encoder.settings import EncoderSettings
from tests.encoder.fake_codecs import NO_HARDWARE
from tests.encoder.pictures import Pixels, text

STREAM = "main/high"
QUIET: dict[str, Any] = {"patches": False, "constants": {"repeat_interval_s": 1.0}}
"""Settings with which each frame becomes exactly one unit of video."""


class Capture:
    """A capture of the desk `main`. It publishes what it is given, and knows its subscriptions."""

    def __init__(self, context: zmq.asyncio.Context, settings: BusSettings) -> None:
        self.subscribed: dict[bytes, int] = {}
        self._changed = asyncio.Condition()
        self._outlet = open_socket(context, SocketRole.CAPTURE_OUTLET)
        self.endpoint = ipc_endpoint(settings.runtime_dir, "cap", "outlet")
        self._outlet.bind(self.endpoint)
        self._ring = FrameRing(1 << 22)
        self._sequence = 0
        self._damage: tuple[tuple[Rect, ...], ...] = ()
        self._task = asyncio.create_task(self._subscriptions())

    def record(self, width: int = 320, *, alive: bool = True, host: str = "") -> bus.DeskRecord:
        """Return the record of its desk."""
        host = host or host_id()
        return bus.DeskRecord("main", alive, "cap", "cap-1", host, self.endpoint, "", width, 240)

    async def until_demand(self, wanted: bool, lane: Lane = Lane.SHM) -> None:
        """Wait until the frames have a subscriber, or (unless `wanted`) have none."""
        topic = topics.frame("main", lane)
        async with self._changed:
            await self._changed.wait_for(lambda: (topic in self.subscribed) == wanted)

    async def show(
        self,
        pixels: Pixels,
        lane: Lane = Lane.SHM,
        damage: tuple[tuple[Rect, ...], ...] = (),
    ) -> int:
        """Publish a new picture; return its sequence number."""
        self._sequence += 1
        self._damage = damage
        await self._publish(pixels, lane)
        return self._sequence

    async def show_torn(self, pixels: Pixels) -> None:
        """Publish a picture that is overwritten before anybody can read it."""
        self._sequence += 1
        frame = self._frame(pixels, Lane.SHM)
        for _ in range(5):
            self._ring.publish(self._ring.begin())
        await self._send(frame, Lane.SHM)

    async def show_unreachable(self, pixels: Pixels) -> None:
        """Publish a picture in memory that cannot be attached."""
        self._sequence += 1
        frame = self._frame(pixels, Lane.SHM)
        ref = frames.SlotRef(0x7FFFFFF0, 0, 1, 2, 4096)
        await self._send(
            frames.Frame(
                frame.width,
                frame.height,
                frame.stride,
                frame.instance,
                frame.sequence,
                frame.captured_us,
                frame.current_us,
                (),
                ref,
                None,
            ),
            Lane.SHM,
        )

    async def again(self, pixels: Pixels) -> None:
        """Publish the last picture again, with the same number."""
        await self._publish(pixels, Lane.SHM)

    async def garbage(self) -> None:
        """Publish a message that is no frame."""
        await self._outlet.send(topics.frame("main", Lane.SHM) + b"nonsense")

    def close(self) -> None:
        """Stop listening."""
        self._task.cancel()

    async def _publish(self, pixels: Pixels, lane: Lane) -> None:
        await self._send(self._frame(pixels, lane), lane)

    async def _send(self, frame: frames.Frame, lane: Lane) -> None:
        await self._outlet.send(frames.encode(topics.frame("main", lane), frame))

    def _frame(self, pixels: Pixels, lane: Lane) -> frames.Frame:
        height, width, _ = pixels.shape
        content = np.ascontiguousarray(pixels).tobytes()
        slot, message = None, None
        if lane is Lane.SHM:
            index = self._ring.begin()
            self._ring.pixels(index)[: len(content)] = content
            slot = self._ring.publish(index)
        else:
            message = memoryview(content)
        now = clock.now_us()
        return frames.Frame(
            width, height, 4 * width, 1, self._sequence, now, now, self._damage, slot, message
        )

    async def _subscriptions(self) -> None:
        while True:
            message = await self._outlet.recv()
            async with self._changed:
                if message[0]:
                    self.subscribed[message[1:]] = 1
                else:
                    self.subscribed.pop(message[1:], None)
                self._changed.notify_all()


class Gateway:
    """Subscribes to the units of one stream, and keeps all of them."""

    def __init__(self, context: zmq.asyncio.Context, outlet: str, topic: bytes) -> None:
        self.units: list[VideoUnit] = []
        self._socket = open_socket(context, SocketRole.UNITS)
        self._socket.connect(outlet)
        self._socket.subscribe(topic)

    async def next(self) -> VideoUnit:
        """Wait for the next unit; return it. Fails if units are missing before it."""
        topic, data = await self._socket.recv_multipart()
        unit = VideoUnit.decode(data)
        assert topic.startswith(b"unit/main/")
        if self.units and self.units[-1].epoch == unit.epoch:
            assert unit.sequence == self.units[-1].sequence + 1
            assert unit.captured_us > self.units[-1].captured_us
        else:
            assert unit.sequence == 1
            assert unit.idr
        self.units.append(unit)
        return unit

    async def until(self, is_it: Callable[[VideoUnit], bool]) -> VideoUnit:
        """Wait for a unit for which `is_it` is true; return it."""
        while not is_it(unit := await self.next()):
            pass
        return unit

    def close(self) -> None:
        """Unsubscribe."""
        self._socket.close(linger=0)


class Bench:
    """Everything around the encoder, which `start` starts."""

    def __init__(self, bus_settings: BusSettings) -> None:
        self._bus_settings = bus_settings
        self.context = zmq.asyncio.Context()
        self._directory = open_socket(self.context, SocketRole.DIRECTORY_OUTLET)
        self._directory.bind(ipc_endpoint(bus_settings.runtime_dir, "directory", "outlet"))
        self._records: dict[bytes, bus.DirectoryOutlet] = {}
        self._families: dict[bytes, bytes] = {}
        """The only topic that begins with a prefix, by that prefix."""
        self._beats = open_socket(self.context, SocketRole.INLET)
        self._beats.bind(ipc_endpoint(bus_settings.runtime_dir, "directory", "inlet"))
        self.capture = Capture(self.context, bus_settings)
        self._tell = open_socket(self.context, SocketRole.TELL)
        self._tell.connect(ipc_endpoint(bus_settings.runtime_dir, "enc", "inlet"))
        self._tasks: list[asyncio.Task[None]] = [asyncio.create_task(self._answer())]
        self.watched: set[bytes] = set()
        self._gateways: list[Gateway] = []

    async def start(
        self,
        codecs: Sequence[Codec] = NO_HARDWARE,
        *,
        constants: Mapping[str, Any] = {},
        handover_s: float = HandoverTimes().handover_s,
        **settings: object,
    ) -> Worker:
        """Start the encoder, with these settings and these constants of its streams."""
        self.worker = Worker("encoder", self._bus_settings, SocketRole.ENCODER_OUTLET)
        known = EncoderSettings.model_validate(settings)

        def stream_params(rendition: Rendition) -> StreamParams:
            return dataclasses.replace(known.stream_params(rendition), **constants)

        service = EncoderService(
            known,
            codecs=codecs,
            stream_params=stream_params,
            times=HandoverTimes(handover_s=handover_s),
        )
        self.serving = asyncio.create_task(self.worker.serve(service.run))
        self._tasks.append(self.serving)
        await self.until_offer(lambda beat: beat.capacity > 0)
        return self.worker

    async def desk(self, record: bus.DeskRecord) -> None:
        """Let the directory publish this record of the desk."""
        await self._say(topics.desk("main"), record)

    async def lease(
        self,
        epoch: int,
        *,
        stream: str = STREAM,
        alive: bool = True,
        instance: str = "",
        handover_from: int = 0,
    ) -> None:
        """Let the directory publish a lease, by default to this encoder."""
        record = bus.LeaseRecord(
            stream, alive, "enc", instance or self.worker.instance, "", "", epoch, handover_from
        )
        await self._say(topics.lease(stream), record)

    async def others(self, *, alive: bool) -> None:
        """Let the directory say that there is another encoder, or (unless `alive`) no longer."""
        record = bus.ServiceRecord("encoder", "other", alive, "other-1", "h", "")
        self._families[topics.service("encoder")] = topics.service("encoder", "other")
        await self._say(topics.service("encoder", "other"), record)

    def view(self, stream: str = STREAM) -> Gateway:
        """Return a gateway that is subscribed to the stream."""
        gateway = Gateway(self.context, self.worker.outlet_endpoint, topics.unit(stream))
        self._gateways.append(gateway)
        return gateway

    async def watch(self, stream: str = STREAM) -> Gateway:
        """Publish desk and lease; return a subscribed gateway once capture knows of its demand."""
        await self.desk(self.capture.record())
        await self.lease(1, stream=stream)
        gateway = self.view(stream)
        await self.capture.until_demand(True)
        return gateway

    async def tell(self, message: bus.EncoderInlet) -> None:
        """Send a message to the encoder's inlet."""
        await self._tell.send(bus.encode(message))

    async def tell_garbage(self) -> None:
        """Send bytes that are no message to the encoder's inlet."""
        await self._tell.send(b"nonsense")

    def subscribe_raw(self, topic: bytes) -> None:
        """Subscribe to any bytes at the encoder's outlet."""
        self._gateways.append(Gateway(self.context, self.worker.outlet_endpoint, topic))

    async def until_offer(self, is_it: Callable[[bus.Heartbeat], bool]) -> bus.Heartbeat:
        """Wait for a heartbeat from now on for which `is_it` is true; return it.

        Heartbeats that wait in the queue are of before what the test has just done.
        """
        await self._forget_beats()
        while True:
            beat = bus.decode_directory_inlet(await self._beats.recv())
            if isinstance(beat, bus.Heartbeat) and is_it(beat):
                return beat

    async def a_while(self) -> None:
        """Wait for two heartbeats, so that a thing that must not happen would have happened."""
        for _ in range(2):
            await self.until_offer(lambda beat: True)

    async def _forget_beats(self) -> None:
        while await self._beats.poll(0):
            await self._beats.recv()

    async def stop(self) -> None:
        """End the encoder. Fails if it ends with an error."""
        self.serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.serving

    async def close(self) -> None:
        """End the encoder and everything around it."""
        self.capture.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for gateway in self._gateways:
            gateway.close()
        self.context.destroy(linger=0)

    async def _say(self, topic: bytes, record: bus.DirectoryOutlet) -> None:
        self._records[topic] = record
        await self._directory.send_multipart([topic, bus.encode(record)])

    async def _answer(self) -> None:
        """Answer each subscription with the present record."""
        while True:
            message = await self._directory.recv()
            topic = message[1:]
            if topic.startswith(b"present/"):
                continue
            if message[0]:
                self.watched.add(topic)
            else:
                self.watched.discard(topic)
            topic = self._families.get(topic, topic)
            if message[0] and topic in self._records:
                await self._directory.send_multipart([topic, bus.encode(self._records[topic])])


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, of which no event tells."""
    while not condition():  # noqa: ASYNC110  # counters have no event to wait for
        await asyncio.sleep(0.005)


async def keep_showing(bench: Bench) -> None:
    """Show another picture every 20 ms, at most 1000 of them."""
    for number in range(1000):
        await bench.capture.show(text(320, 240, number))
        await asyncio.sleep(0.02)
