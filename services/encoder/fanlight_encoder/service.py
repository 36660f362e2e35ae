"""Which streams this process encodes: those that are subscribed to and that it holds the lease of.

Lives on the worker's loop. A subscription at the outlet is demand; it makes the encoder watch the
stream's lease, and the lease alone lets it encode. Losing either ends the stream.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from prometheus_client import Counter

from fanlight_common import clock
from fanlight_common.errors import ProtocolError
from fanlight_common.framefeed import FrameFeed
from fanlight_common.names import split_stream
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.public import VideoUnit
from fanlight_common.worker import Worker, inlet_messages
from fanlight_encoder import metrics
from fanlight_encoder.choice import choose
from fanlight_encoder.codec import LavCodec, Opener
from fanlight_encoder.load import LoadMeter
from fanlight_encoder.numbering import held_epoch
from fanlight_encoder.pipeline import Pipeline
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.stream import Publish, Stream

log = logging.getLogger(__name__)
refused = Counter("fanlight_encoder_refused_subscriptions", "Subscriptions to what is no stream")

_LOAD_INTERVAL_S = 0.25


class _Demand:
    """A stream that somebody is subscribed to, encoded while its lease is ours."""

    def __init__(self, end_watch: Callable[[], None]) -> None:
        self.end_watch = end_watch
        self.stream: Stream | None = None
        self.task: asyncio.Task[None] | None = None


class EncoderService:
    """The service, as `Worker.serve` runs it. `opener` opens codecs; tests give another."""

    def __init__(self, settings: EncoderSettings, opener: Opener = LavCodec) -> None:
        self._settings = settings
        self._opener = opener
        self._codec = ""
        self._demands: dict[str, _Demand] = {}

    async def run(self, worker: Worker) -> None:
        """For ever. Raises ConfigurationError where the codec that is set does not work."""
        assert worker.outlet is not None
        self._worker = worker
        self._outlet = worker.outlet
        self._meter = LoadMeter(self._settings.capacity, clock.now_s())
        loop = asyncio.get_running_loop()
        # More streams than offered still get a turn, if not a thread of their own.
        with ThreadPoolExecutor(self._settings.capacity, "encode") as self._threads:
            self._codec = await loop.run_in_executor(
                self._threads, choose, self._settings, self._opener
            )
            worker.healthy = self._health
            worker.offer.capacity = self._settings.capacity
            worker.announce()
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._subscriptions())
                self._group.create_task(
                    inlet_messages(worker.inlet, bus.decode_encoder_inlet, self._on_inlet)
                )
                self._group.create_task(self._measure())

    async def _subscriptions(self) -> None:
        while True:
            message = await self._outlet.recv()
            try:
                stream = _stream_of(message[1:])
            except ProtocolError as error:
                refused.inc()
                log.debug("event=refused where=outlet reason=%r", str(error))
                continue
            if message[0]:
                self._subscribed(stream)
            else:
                self._unsubscribed(stream)

    def _subscribed(self, stream: str) -> None:
        demand = self._demands.get(stream)
        if demand is not None:
            # One more gateway, which cannot begin but with an IDR.
            if demand.stream is not None:
                demand.stream.request_idr()
            return
        demand = self._demands[stream] = _Demand(lambda: None)
        demand.end_watch = self._worker.directory.watch(
            topics.lease(stream), lambda record: self._on_lease(stream, record)
        )

    def _unsubscribed(self, stream: str) -> None:
        demand = self._demands.pop(stream, None)
        if demand is not None:
            demand.end_watch()
            self._stop(demand)

    def _on_lease(self, stream: str, record: bus.DirectoryOutlet) -> None:
        demand = self._demands[stream]
        epoch = held_epoch(record, self._worker.id, self._worker.instance)
        if epoch == (demand.stream.epoch if demand.stream else None):
            return
        self._stop(demand)
        if epoch is not None:
            self._start(demand, stream, epoch)

    def _start(self, demand: _Demand, name: str, epoch: int) -> None:
        desk, _ = split_stream(name)
        demand.stream = Stream(
            name,
            epoch,
            self._settings,
            open_feed=partial(FrameFeed, self._worker, desk),
            pipeline=Pipeline(name, self._settings, self._codec, self._opener),
            threads=self._threads,
            publish=self._publisher(name),
            busy=self._meter.busy,
        )
        demand.task = self._group.create_task(demand.stream.run())
        self._streams_changed()

    def _stop(self, demand: _Demand) -> None:
        if demand.task is not None:
            demand.task.cancel()
            demand.stream = demand.task = None
            self._streams_changed()

    def _publisher(self, stream: str) -> Publish:
        topic = topics.unit(stream)

        async def publish(unit: VideoUnit) -> None:
            await self._outlet.send_multipart([topic, unit.encode()])

        return publish

    def _on_inlet(self, message: bus.EncoderInlet) -> None:
        demand = self._demands.get(message.stream)
        if demand is None or demand.stream is None:
            return  # the first unit is an IDR anyhow, and room is told again
        if isinstance(message, bus.RequestIdr):
            demand.stream.request_idr()
        else:
            demand.stream.heard(message)

    def _streams_changed(self) -> None:
        held = [demand.stream for demand in self._demands.values() if demand.stream is not None]
        metrics.streams.set(len(held))
        self._worker.offer.streams = tuple(
            bus.HeldStream(stream.stream, stream.epoch) for stream in held
        )
        self._worker.announce()

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(_LOAD_INTERVAL_S)
            self._worker.offer.load = self._meter.sample(clock.now_s())

    def _health(self) -> tuple[bool, dict[str, Any]]:
        # On the health thread, so a stream may end at any moment.
        held = [stream for demand in list(self._demands.values()) if (stream := demand.stream)]
        return True, {
            "codec": self._codec,
            "streams": {stream.stream: stream.pipeline.codec_name for stream in held},
        }


def _stream_of(topic: bytes) -> str:
    """b"unit/main/high/" -> "main/high". Raises ProtocolError."""
    parts = topics.parse(topic)
    stream = "/".join(parts[1:])
    if parts[0] != "unit":
        raise ProtocolError("not a topic of units")
    split_stream(stream)
    return stream
