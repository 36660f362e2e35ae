"""A fake encoder that sends the units that a test asks for, and keeps what it is told."""

import asyncio
import contextlib

from fanlight_common.bus.sockets import SocketRole, ipc_endpoint, open_socket
from fanlight_common.process import clock
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import VideoUnit
from tests.screenshot.fakes import FakeDirectory


class FakeEncoder:
    """Encodes nothing. While `automatic`, it answers each request for an IDR with one."""

    def __init__(self, directory: FakeDirectory, id_: str = "e1") -> None:
        self.directory = directory
        self.id = id_
        self.told: list[bus.EncoderInlet] = []
        self.subscribed: set[bytes] = set()
        self.epoch = 0
        self.sequence = 0
        self.automatic = True
        self.sent: list[bytes] = []
        self.outlet = open_socket(directory.context, SocketRole.ENCODER_OUTLET)
        self.outlet_endpoint = ipc_endpoint(directory.settings.runtime_dir, id_, "outlet")
        self.outlet.bind(self.outlet_endpoint)
        self.inlet = open_socket(directory.context, SocketRole.INLET)
        self.inlet_endpoint = ipc_endpoint(directory.settings.runtime_dir, id_, "inlet")
        self.inlet.bind(self.inlet_endpoint)
        self._tasks = [asyncio.create_task(self._demand()), asyncio.create_task(self._listen())]

    def lease(self, stream: str, epoch: int, *, alive: bool = True, handover_from: int = 0) -> None:
        """Let the directory say that this encoder encodes the stream."""
        if alive:
            self.epoch, self.sequence = epoch, 0
        record = bus.LeaseRecord(
            stream,
            alive,
            self.id,
            f"{self.id}-1",
            self.outlet_endpoint,
            self.inlet_endpoint,
            epoch,
            handover_from,
        )
        self.directory.tell(topics.lease(stream), record)

    @property
    def idr_requests(self) -> int:
        """The number of IDRs that it was asked for."""
        return sum(isinstance(message, bus.ForceIdr) for message in self.told)

    @property
    def room(self) -> list[bool]:
        """Whether there was room, by each demand that it was told, in order."""
        return [message.room for message in self.told if isinstance(message, bus.StreamDemand)]

    def send(
        self,
        *,
        idr: bool = False,
        size: int = 100,
        stream: str = "main/high",
        skip: int = 0,
        epoch: int | None = None,
    ) -> bytes:
        """Send the next unit, after a gap of `skip` numbers; return it."""
        self.sequence += 1 + skip
        unit = VideoUnit(
            idr,
            64,
            32,
            self.epoch if epoch is None else epoch,
            self.sequence,
            clock.now_us(),
            bytes(size),
        ).encode()
        self.sent.append(unit)
        self.outlet.send_multipart([topics.unit(stream), unit])
        return unit

    async def close(self) -> None:
        """Stop, and close the sockets."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.outlet.close(linger=0)
        self.inlet.close(linger=0)

    async def _demand(self) -> None:
        while True:
            message = await self.outlet.recv()
            if message[0] == 1:
                self.subscribed.add(message[1:])
            else:
                self.subscribed.discard(message[1:])

    async def _listen(self) -> None:
        while True:
            message = bus.decode_encoder_inlet(await self.inlet.recv())
            self.told.append(message)
            wanted = isinstance(message, bus.ForceIdr) and self.automatic
            if wanted and topics.unit(message.stream) in self.subscribed:
                self.send(idr=True, stream=message.stream)
