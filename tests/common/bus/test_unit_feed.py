"""UnitFeed, as a small recorder uses it: no gateway, real sockets, encoders of real H.264."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from fanlight_common.bus.inlet_connections import InletConnections
from fanlight_common.bus.unit_feed import FeedEvent, UnitDemand, UnitFeed
from fanlight_common.core.idr_requests import IdrRequestLimits
from fanlight_common.core.unit_order import UnitOrder
from fanlight_common.process import clock
from fanlight_common.process.settings import BusSettings
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import VideoUnit
from fanlight_common.service.worker import Worker
from tests.gateway.fakes import FakeEncoder
from tests.screenshot.fakes import FakeDirectory, until

STREAM = "main/high"
UNITS = topics.unit(STREAM)
WIDTH, HEIGHT = 64, 32
NEVER_AGAIN = IdrRequestLimits(retry_s=60, interval_s=0)
"""A request that was lost is not repeated, so that the test of one recorder sees each request."""
SOON = IdrRequestLimits(retry_s=0.1, interval_s=0)
"""One of two recorders may connect too late for the other's IDR, and even for its own."""


class VideoEncoder(FakeEncoder):
    """Encodes one grey after another. It answers a request for an IDR as soon as it is watched."""

    greys = 0
    """How many pictures all encoders of a test have encoded: each has a grey of its own."""

    def __init__(self, directory: FakeDirectory, id_: str) -> None:
        super().__init__(directory, id_)
        codec = av.CodecContext.create("libx264", "w")
        assert isinstance(codec, VideoCodecContext)
        codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        codec.framerate = 60
        codec.options = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"}
        codec.gop_size = 10_000
        self._codec = codec

    def send(
        self,
        *,
        idr: bool = False,
        size: int = 0,
        stream: str = STREAM,
        skip: int = 0,
        epoch: int | None = None,
    ) -> bytes:
        """Publish the next unit. `skip` units before it are lost."""
        for _ in range(skip):
            self._encode(idr=False)
        self.sequence += 1 + skip
        unit = VideoUnit(
            idr, WIDTH, HEIGHT, self.epoch, self.sequence, clock.now_us(), self._encode(idr=idr)
        ).encode()
        self.outlet.send_multipart([topics.unit(stream), unit])
        return unit

    def _encode(self, *, idr: bool) -> bytes:
        grey = np.full((HEIGHT * 3 // 2, WIDTH), 20 + 5 * VideoEncoder.greys, np.uint8)
        VideoEncoder.greys += 1
        frame = VideoFrame.from_ndarray(grey, format="yuv420p")
        frame.pict_type = PictureType.I if idr else PictureType.NONE
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))

    async def _listen(self) -> None:
        while True:
            message = bus.decode_encoder_inlet(await self.inlet.recv())
            self.told.append(message)
            if isinstance(message, bus.ForceIdr) and self.automatic:
                await until(lambda: UNITS in self.subscribed)
                self.send(idr=True)


class Recorder:
    """Keeps what one decoder can take of a stream, and always has room for more."""

    def __init__(
        self,
        worker: Worker,
        inlets: InletConnections,
        group: asyncio.TaskGroup,
        limits: IdrRequestLimits = NEVER_AGAIN,
    ) -> None:
        self.units: list[VideoUnit] = []
        self.events: Counter[FeedEvent] = Counter()
        self.states: list[bool] = []
        self.errors: list[Exception] = []
        self.broken = ""
        """The method that raises."""
        self._order = UnitOrder()
        self.feed = UnitFeed(worker, inlets, group, STREAM, self, limits)

    def take(self, unit: VideoUnit, data: bytes) -> None:
        self._break("take")
        if self._order.accepts(unit.epoch, unit.sequence, idr=unit.idr):
            self.units.append(unit)

    def demand(self) -> UnitDemand:
        self._break("demand")
        return UnitDemand(wants_idr=self._order.wants_idr, room=True, kbps=8000, in_band=True)

    def lease_changed(self, is_leased: bool) -> None:
        self._break("lease_changed")
        self.states.append(is_leased)

    def interrupted(self) -> None:
        self._break("interrupted")
        self._order.interrupt()

    def counted(self, event: FeedEvent) -> None:
        self._break("counted")
        self.events[event] += 1

    def failed(self, error: Exception) -> None:
        self.errors.append(error)

    def _break(self, method: str) -> None:
        if method == self.broken:
            raise RuntimeError(f"{method} is broken on purpose")

    def labels(self) -> list[tuple[int, int]]:
        return [(unit.epoch, unit.sequence) for unit in self.units]


@pytest.fixture
async def directory(bus_settings: BusSettings) -> AsyncIterator[FakeDirectory]:
    VideoEncoder.greys = 0
    fake = FakeDirectory(bus_settings)
    yield fake
    await fake.close()


@pytest.fixture
async def one(directory: FakeDirectory) -> AsyncIterator[VideoEncoder]:
    encoder = VideoEncoder(directory, "e1")
    yield encoder
    await encoder.close()


@pytest.fixture
async def two(directory: FakeDirectory) -> AsyncIterator[VideoEncoder]:
    encoder = VideoEncoder(directory, "e2")
    yield encoder
    await encoder.close()


@contextlib.asynccontextmanager
async def recording(settings: BusSettings, count: int = 1) -> AsyncIterator[list[Recorder]]:
    """A process with so many recorders of one stream."""
    worker = Worker("recorder", settings, None)
    done = asyncio.Event()
    recorders: list[Recorder] = []

    async def main(worker: Worker) -> None:
        inlets = InletConnections(worker.network)
        async with asyncio.TaskGroup() as group:
            limits = NEVER_AGAIN if count == 1 else SOON
            recorders.extend(Recorder(worker, inlets, group, limits) for _ in range(count))
            clockworks = [group.create_task(recorder.feed.run()) for recorder in recorders]
            await done.wait()
            for clockwork in clockworks:
                clockwork.cancel()
            for recorder in recorders:
                recorder.feed.close()

    serving = asyncio.create_task(worker.serve(main))
    await until(lambda: len(recorders) == count or serving.done())
    try:
        yield recorders
        assert not serving.done(), "the process goes on"
    finally:
        done.set()
        await serving


async def test_a_recorder_gets_units_through_a_handover_and_the_death_of_an_encoder(
    bus_settings: BusSettings, one: VideoEncoder, two: VideoEncoder, tmp_path: Path
) -> None:
    two.automatic = False
    async with recording(bus_settings) as (recorder,):
        await until(lambda: recorder.feed)
        one.lease(STREAM, 1)
        await until(lambda: recorder.units)
        assert recorder.states == [True]
        for _ in range(3):
            one.send()
        await until(lambda: recorder.labels() == [(1, n) for n in (1, 2, 3, 4)])
        assert one.idr_requests == 1
        demands = [m for m in one.told if isinstance(m, bus.StreamDemand)]
        assert [(m.stream, m.room, m.kbps, m.in_band) for m in demands[:1]] == [
            (STREAM, True, 8000, True)
        ]

        # The lease is handed over: the first encoder goes on until the second one's first IDR.
        two.lease(STREAM, 2, handover_from=1)
        await until(lambda: UNITS in two.subscribed and two.room)
        one.send()
        two.send()  # its first IDR was lost
        await until(lambda: two.idr_requests == 1)
        one.send()
        await until(lambda: recorder.labels()[-1] == (1, 6))
        two.send(idr=True)
        await until(lambda: UNITS not in one.subscribed)
        two.send()
        await until(lambda: recorder.labels()[-1] == (2, 3))
        assert (one.idr_requests, two.idr_requests) == (1, 1)
        assert recorder.events == {FeedEvent.IDR_REQUESTED: 2, FeedEvent.EARLY: 1}

        # The encoder is killed, and its successor begins with an IDR.
        two.lease(STREAM, 2, alive=False)
        await until(lambda: recorder.states[-1] is False)
        await two.close()
        one.lease(STREAM, 3)
        await until(lambda: recorder.labels()[-1] == (3, 1))
        one.send()
        one.send(skip=1)  # a unit was lost, so one more IDR is needed
        await until(lambda: recorder.labels()[-1] == (3, 5))
        assert one.idr_requests == 3
        assert recorder.states == [True, False, True]

        # Nonsense harms nothing.
        one.outlet.send_multipart([UNITS, b"nonsense"])
        one.outlet.send_multipart([UNITS, b"too", b"many"])
        one.send()
        await until(lambda: recorder.labels()[-1] == (3, 6))
        assert recorder.events[FeedEvent.REFUSED] == 2
        assert not recorder.errors

    expected = [*((1, n) for n in range(1, 7)), (2, 2), (2, 3), (3, 1), (3, 2), (3, 5), (3, 6)]
    assert recorder.labels() == expected
    for previous, unit in zip([None, *recorder.units], recorder.units, strict=False):
        if previous is None or previous.epoch != unit.epoch:
            assert unit.idr, "each encoder's first unit is an IDR"

    file = tmp_path / "recording.h264"
    file.write_bytes(b"".join(unit.payload for unit in recorder.units))
    with av.open(str(file)) as container:
        greys = [int(frame.to_ndarray()[0, 0]) for frame in container.decode(video=0)]
    assert len(greys) == len(recorder.units)
    assert greys == sorted(greys), "in the order in which they were encoded"
    assert len(set(greys)) == len(greys)


async def test_the_last_close_ends_the_demand(
    bus_settings: BusSettings, directory: FakeDirectory, one: VideoEncoder
) -> None:
    async with recording(bus_settings) as (recorder,):
        one.lease(STREAM, 1)
        await until(lambda: recorder.units)
        recorder.feed.close()
        recorder.feed.close()
        recorder.feed.settle()
        await until(lambda: not one.subscribed)
        await until(lambda: topics.lease(STREAM) not in directory.subscribed)


@pytest.mark.parametrize("method", ["take", "demand", "lease_changed", "interrupted", "counted"])
async def test_a_consumer_that_raises_ends_its_feed_and_nothing_else(
    bus_settings: BusSettings,
    one: VideoEncoder,
    method: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with recording(bus_settings, 2) as (broken, sound):
        one.lease(STREAM, 1)
        await until(lambda: broken.units and sound.units)
        broken.broken = method
        with caplog.at_level(logging.ERROR):
            one.lease(STREAM, 1, alive=False)
            one.lease(STREAM, 2)
            await until(lambda: sound.labels() and sound.labels()[-1][0] == 2)
            one.outlet.send_multipart([UNITS, b"nonsense"])
            one.send()
            await until(lambda: sound.labels()[-1] == (2, one.sequence) and broken.errors)
        assert [str(error) for error in broken.errors] == [f"{method} is broken on purpose"]
        assert not sound.errors
        (told,) = [record for record in caplog.records if record.exc_info]
        assert told.getMessage() == f"event=feed_failed stream={STREAM}"
        assert told.exc_info is not None
        assert told.exc_info[1] is broken.errors[0]
        taken = len(broken.units)
        one.send()
        await until(lambda: sound.labels()[-1] == (2, one.sequence))
        assert len(broken.units) == taken


async def test_a_consumer_that_raises_while_its_feed_is_made_leaves_nothing_behind(
    bus_settings: BusSettings, directory: FakeDirectory, one: VideoEncoder
) -> None:
    class Broken(Recorder):
        def demand(self) -> UnitDemand:
            raise RuntimeError("broken on purpose")

    async with recording(bus_settings) as (recorder,):
        one.lease(STREAM, 1)
        await until(lambda: recorder.units)
        worker, group = recorder.feed._member, recorder.feed._group
        with pytest.raises(RuntimeError, match="on purpose"):
            Broken(worker, InletConnections(worker.network), group)
        one.send()
        await until(lambda: recorder.labels()[-1] == (1, one.sequence))
        recorder.feed.close()
        await until(lambda: not one.subscribed)
        await until(lambda: topics.lease(STREAM) not in directory.subscribed)
