"""A consumer's view of one desk's frames: the newest, wherever the desk's capture is now.

Lives on the worker's loop, except that `pixels` and `check` may be called on any other thread, on
one at a time. The feed follows the desk's record: it connects to a capture that comes back
elsewhere, and it chooses the lane (shared memory on one host, otherwise pixels in the messages).
Drops every frame but the newest, by CONFLATE.
"""

import asyncio
import logging
from collections.abc import Callable

from prometheus_client import Counter, Gauge

from fanlight_common.bus.member import BusMember
from fanlight_common.bus.receiver import Receiver
from fanlight_common.bus.ring import RingReader
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import refusals
from fanlight_common.protocol import bus, frames, topics
from fanlight_common.protocol.topics import Lane

log = logging.getLogger(__name__)
refused = Counter("fanlight_refused_frames", "Frame messages that were not understood")
feeds = Gauge(
    "fanlight_frame_feeds",
    "Subscriptions to a desk's frames: shm in shared memory, pixels in the messages themselves",
    ["desk", "lane"],
)


class FrameFeed:
    """Frames of `desk` from the moment of creation until `close`."""

    def __init__(
        self, member: BusMember, desk: str, topic_of: Callable[[str, Lane], bytes] = topics.frame
    ) -> None:
        self.desk = desk
        self.record: bus.DeskRecord | None = None
        """The desk's newest record, None before the directory has answered."""
        self._member = member
        self._topic_of = topic_of
        self._topic = b""
        self._receiver: Receiver | None = None
        self._take: Callable[[frames.Frame], None] = lambda _: None
        self._reader = RingReader()
        self._lane = Lane.SHM
        self._moved = asyncio.Event()
        """Set when there is another receiver, or an error."""
        self._error: Exception | None = None
        """What following a record of the desk has raised. `run` raises it."""
        self._end_watch = member.directory.watch(topics.desk(desk), self._on_record, self._failed)

    def close(self) -> None:
        """End the demand."""
        self._end_watch()
        self._disconnect()
        self._reader.close()

    async def run(self, take: Callable[[frames.Frame], None]) -> None:
        """Hand over each frame as it arrives, for ever.

        Raises what `take` raises, and what following the desk's record has raised. The feed is not
        connected any more in the second case.
        """
        self._take = take
        while True:
            self._moved.clear()
            if self._error is not None:
                raise self._error
            if self._receiver is None:
                await self._moved.wait()
            else:
                await self._receiver.run()

    async def next(self) -> frames.Frame:
        """Wait until there is a frame that was not delivered yet, and return the newest one.

        Do not call it while `run` runs. Raises what `run` raises.
        """
        arrived: list[frames.Frame] = []
        there = asyncio.Event()

        def take(frame: frames.Frame) -> None:
            arrived.append(frame)
            there.set()

        reading = asyncio.ensure_future(self.run(take))
        waiting = asyncio.ensure_future(there.wait())
        try:
            await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            reading.cancel()
            # The task has to have left the socket before the next call reads from it.
            await asyncio.wait({reading})
        if not arrived:
            reading.result()
        return arrived[-1]

    def pixels(self, frame: frames.Frame) -> memoryview:
        """Return the frame's BGRX bytes. Raises FrameLostError. Call `check` after use."""
        if frame.slot is None:
            assert frame.pixels is not None
            return frame.pixels
        return self._reader.view(frame.slot, frame.size_bytes)

    def check(self, frame: frames.Frame) -> None:
        """Raise FrameLostError if the frame was overwritten while its pixels were used."""
        if frame.slot is not None:
            self._reader.check(frame.slot)

    def fall_back_to_pixels(self) -> None:
        """Ask for pixels in the messages, because shared memory cannot be attached."""
        if self._lane is Lane.SHM and self.record is not None:
            log.warning("event=lane desk=%s lane=pixels reason='no shared memory'", self.desk)
            self._connect(self.record, Lane.PIXELS)

    def _received(self, data: bytes) -> None:
        try:
            frame = frames.decode(data, self._topic)
        except ProtocolError as error:
            refused.inc()
            refusals.note(log, "frames", error, self.record.id if self.record else "")
        else:
            self._take(frame)

    def _on_record(self, record: bus.DirectoryOutlet) -> None:
        if not isinstance(record, bus.DeskRecord):
            return
        old, self.record = self.record, record
        if not record.alive:
            return
        if self._receiver is None or old is None or old.instance != record.instance:
            same_host = record.host == self._member.host
            lane = Lane.SHM if same_host else Lane.PIXELS
            log.info("event=lane desk=%s lane=%s capture=%s", self.desk, lane, record.id)
            self._connect(record, lane)

    def _failed(self, error: Exception) -> None:
        self._error = error
        self._disconnect()
        self._moved.set()

    def _connect(self, record: bus.DeskRecord, lane: Lane) -> None:
        self._disconnect()
        self._lane = lane
        self._topic = self._topic_of(self.desk, lane)
        socket = self._member.network.open_connected(SocketRole.FRAMES, record.outlet, self._topic)
        self._receiver = Receiver(socket, self._received)
        feeds.labels(self.desk, lane).inc()
        self._moved.set()

    def _disconnect(self) -> None:
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None
            feeds.labels(self.desk, self._lane).dec()
