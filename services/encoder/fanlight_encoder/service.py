"""Which streams this process encodes: those that are subscribed to and whose lease it holds.

Lives on the worker's loop. Owns the demand for each stream, the codec, and the threads; drops
subscriptions to what is no stream (counted). A subscription at the outlet is demand. It makes the
encoder watch the stream's lease, and only the lease lets it encode. The stream ends if demand or
lease is lost, with one exception: an encoder whose lease is moved to another one (because this one
drains, or because the other one has more room) goes on until the viewers have the first IDR of the
other one. It sees that by the end of the last subscription. `core.stream_life` has the states of a
stream, as a table.

An error about one stream ends that stream and no other (`_failed`). The directory then misses the
encoder's claim. Within a second it publishes the lease again, which starts the stream anew, or it
gives the lease to another encoder.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client import Counter

from fanlight_common.bus.frame_feed import FrameFeed
from fanlight_common.bus.inlet_messages import inlet_messages
from fanlight_common.bus.receiver import Receiver
from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.names import Rendition, split_stream
from fanlight_common.process import clock, refusals
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import VideoUnit
from fanlight_common.service.worker import Worker
from fanlight_encoder import metrics
from fanlight_encoder.codecs.base import Codec
from fanlight_encoder.codecs.registry import CODECS, choose, fallback_of
from fanlight_encoder.core.load import LoadMeter
from fanlight_encoder.core.numbering import Numbering, held_epoch
from fanlight_encoder.core.renditions import StreamParams
from fanlight_encoder.core.stream_life import StreamLife, StreamState, StreamStep
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.stream import PublishUnit, StreamEncoder
from fanlight_encoder.units.pipeline import Pipeline

log = logging.getLogger(__name__)
refused = Counter("fanlight_encoder_refused_subscriptions", "Subscriptions to what is no stream")


@dataclass(frozen=True, slots=True)
class HandoverTimes:
    """How long an encoder gives another one to take over."""

    drain_s: float = 1.2
    """After SIGTERM, other encoders have so many seconds to take over what this process encodes.
    Without other encoders it ends at once."""
    handover_s: float = 5.0
    """A stream whose lease is another encoder's is encoded here for at most so many seconds more,
    if the other encoder does not begin."""
    look_for_others_s: float = 0.3
    """Seconds that a draining encoder waits to hear of another one. The directory's answer takes
    less."""


class _Demand:
    """A stream that somebody is subscribed to, encoded while its lease is ours."""

    def __init__(self) -> None:
        self.life = StreamLife()
        """Decides whether the stream is encoded here. The other fields follow it."""
        self.end_watch: Callable[[], None] = lambda: None
        self.stream: StreamEncoder | None = None
        """None while `life` is WAITING."""
        self.numbering: tuple[int, Numbering] | None = None
        """An epoch and its last numbers. A stream that failed goes on from these, because its
        gateways are still there and drop units that are older than what they have."""
        self.task: asyncio.Task[None] | None = None
        self.end_handover: asyncio.TimerHandle | None = None
        """Set while `life` is LEAVING. It ends the stream even if the other encoder has not
        begun."""


class EncoderService:
    """The service, as `Worker.serve` runs it."""

    def __init__(
        self,
        settings: EncoderSettings,
        *,
        codecs: Sequence[Codec] = CODECS,
        stream_params: Callable[[Rendition], StreamParams] | None = None,
        times: HandoverTimes = HandoverTimes(),
    ) -> None:
        """Tests pass other codecs, and stream params with other constants."""
        self._settings = settings
        self._codecs = codecs
        self._stream_params = stream_params or settings.stream_params
        self._times = times
        self._codec: Codec | None = None
        self._demands: dict[str, _Demand] = {}
        self._stopped = asyncio.Event()
        """Set when a stream has ended."""

    async def run(self, worker: Worker) -> None:
        """Encode for ever. Raises ConfigurationError if no codec works, or the set one fails."""
        assert worker.outlet is not None
        self._worker = worker
        self._outlet = Receiver(worker.outlet, self._on_subscription)
        self._meter = LoadMeter(self._settings.capacity, clock.now_s())
        loop = asyncio.get_running_loop()
        # If there are more streams than the capacity, all get their turn, but not each a thread.
        with ThreadPoolExecutor(self._settings.capacity, "encode") as self._threads:
            self._codec = await loop.run_in_executor(
                self._threads,
                choose,
                self._settings.codec,
                self._codecs,
                self._stream_params(Rendition.HIGH),
            )
            worker.healthy = self._health
            worker.offer.capacity = self._settings.capacity
            worker.announce()
            worker.drain, worker.drain_limit_s = self._drain, self._times.drain_s
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._outlet.run())
                self._group.create_task(
                    inlet_messages(worker.inlet, bus.decode_encoder_inlet, self._on_inlet)
                )
                worker.before_beat = self._measure

    def _on_subscription(self, message: bytes) -> None:
        try:
            stream = _stream_of(message[1:])
        except ProtocolError as error:
            refused.inc()
            refusals.note(log, "outlet", error)
            return
        if message[0]:
            self._subscribed(stream)
        else:
            self._unsubscribed(stream)

    def _subscribed(self, stream: str) -> None:
        demand = self._demands.get(stream)
        if demand is not None:
            # One more gateway has subscribed, and it cannot begin without an IDR.
            if demand.stream is not None:
                demand.stream.request_idr()
            return
        demand = self._demands[stream] = _Demand()
        failed = partial(self._failed, stream, demand)
        try:
            demand.end_watch = self._worker.directory.watch(
                topics.lease(stream), lambda record: self._on_lease(stream, record), failed
            )
        except Exception as error:  # noqa: BLE001 - ends the stream it is about, not the process
            failed(error)

    def _unsubscribed(self, stream: str) -> None:
        demand = self._demands.pop(stream, None)
        if demand is not None:
            demand.end_watch()
            self._stop(demand)

    def _on_lease(self, stream: str, record: bus.DirectoryOutlet) -> None:
        demand = self._demands[stream]
        epoch = held_epoch(record, self._worker.id, self._worker.instance)
        match demand.life.lease(record, epoch):
            case StreamStep.START | StreamStep.RESTART:
                self._end_stream(demand)
                self._start(demand, stream)
            case StreamStep.HAND_OVER:
                self._hand_over(demand)
            case StreamStep.STOP:
                self._end_stream(demand)
            case StreamStep.NOTHING:
                pass

    def _start(self, demand: _Demand, name: str) -> None:
        assert self._codec is not None
        epoch = demand.life.epoch
        parts = split_stream(name)
        desk, params = parts.desk, self._stream_params(parts.rendition)
        fallback = fallback_of(self._codec, self._codecs)
        if demand.numbering is None or demand.numbering[0] != epoch:
            demand.numbering = epoch, Numbering()
        demand.stream = StreamEncoder(
            name,
            epoch,
            params,
            numbering=demand.numbering[1],
            open_feed=partial(FrameFeed, self._worker, desk),
            pipeline=Pipeline(name, params, self._codec, fallback),
            threads=self._threads,
            publish=self._publisher(name),
            busy=self._meter.busy,
            now_us=self._worker.now_us,
        )
        demand.task = self._group.create_task(self._encode(name, demand, demand.stream))
        self._streams_changed()

    async def _encode(self, name: str, demand: _Demand, stream: StreamEncoder) -> None:
        try:
            await stream.run()
        except Exception as error:  # noqa: BLE001 - ends the stream it is about, not the process
            if demand.stream is stream:
                self._failed(name, demand, error)

    def _failed(self, name: str, demand: _Demand, error: Exception) -> None:
        """Stop one stream, which raised `error`. The demand for it stays."""
        log.error("event=stream_failed stream=%s", name, exc_info=error)
        metrics.failed_streams.inc()
        self._stop(demand)

    def _stop(self, demand: _Demand) -> None:
        demand.life.ended()
        self._end_stream(demand)

    def _end_stream(self, demand: _Demand) -> None:
        """Stop encoding the stream, if it is encoded. `life` is the caller's business."""
        if demand.end_handover is not None:
            demand.end_handover.cancel()
            demand.end_handover = None
        if demand.task is not None:
            demand.task.cancel()
            demand.stream = demand.task = None
            self._streams_changed()
            self._stopped.set()

    def _hand_over(self, demand: _Demand) -> None:
        """Go on until the encoder that has the lease now has begun, but not for ever."""
        assert demand.stream is not None
        log.info("event=handover stream=%s epoch=%d", demand.stream.stream, demand.stream.epoch)
        demand.end_handover = asyncio.get_running_loop().call_later(
            self._times.handover_s, self._stop, demand
        )
        self._streams_changed()

    async def _drain(self) -> None:
        """Offer nothing, and wait until other encoders have begun all of the streams.

        If there is no other encoder nobody takes them, and this returns soon.
        """
        self._worker.offer.capacity = 0
        self._worker.announce()
        others: set[str] = set()

        def on_record(record: bus.DirectoryOutlet) -> None:
            if isinstance(record, bus.ServiceRecord) and record.id != self._worker.id:
                (others.add if record.alive else others.discard)(record.id)

        end = self._worker.directory.watch(topics.service("encoder"), on_record)
        log.info("event=drain streams=%d", self._running)
        try:
            alone_at = clock.now_s() + self._times.look_for_others_s
            while self._running and (others or clock.now_s() < alone_at):
                self._stopped.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._times.look_for_others_s):
                        await self._stopped.wait()
        finally:
            end()
            log.info("event=drained streams=%d", self._running)

    @property
    def _running(self) -> int:
        return sum(demand.stream is not None for demand in self._demands.values())

    def _publisher(self, stream: str) -> PublishUnit:
        topic = topics.unit(stream)

        def publish(unit: VideoUnit) -> None:
            self._outlet.send(topic, unit.encode())

        return publish

    def _on_inlet(self, message: bus.EncoderInlet) -> None:
        demand = self._demands.get(message.stream)
        if demand is None or demand.stream is None:
            return  # the first unit will be an IDR anyhow, and gateways report room again
        if isinstance(message, bus.ForceIdr):
            demand.stream.request_idr()
        else:
            demand.stream.demand_changed(message)

    def _streams_changed(self) -> None:
        metrics.streams.set(self._running)
        self._worker.offer.streams = tuple(
            bus.HeldStream(demand.stream.stream, demand.stream.epoch)
            for demand in self._demands.values()
            if demand.stream is not None and demand.life.state is StreamState.ENCODING
        )
        self._worker.announce()

    def _measure(self) -> None:
        # The load is rounded, because one that fades for ever would change every heartbeat.
        self._worker.offer.load = round(self._meter.sample(clock.now_s()), 3)
        metrics.load.set(self._worker.offer.load)
        metrics.capacity.set(self._worker.offer.capacity)

    def _health(self) -> tuple[bool, dict[str, Any]]:
        # This runs on the health thread, so a stream may end at any moment meanwhile.
        held = [stream for demand in list(self._demands.values()) if (stream := demand.stream)]
        return True, {
            "codec": self._codec.implementation if self._codec else "",
            "streams": {stream.stream: stream.pipeline.codec.implementation for stream in held},
        }


def _stream_of(topic: bytes) -> str:
    """Return the stream of a topic: b"unit/main/high/" -> "main/high". Raises ProtocolError."""
    parts = topics.parse(topic)
    stream = "/".join(parts[1:])
    if parts[0] != "unit":
        raise ProtocolError("not a topic of units")
    split_stream(stream)
    return stream
