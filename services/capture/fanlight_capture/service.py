"""The capture service: one desk between its display and the bus.

Lives on the worker's loop. Owns the desk's life and puts the parts together: it opens the display,
serves it until it is lost, and opens it again, as `core.display_life` decides. Drops messages for
other desks, and counts them.
"""

import asyncio
import logging
from dataclasses import asdict
from typing import Any

from fanlight_capture import metrics
from fanlight_capture.core.demand import Demand
from fanlight_capture.core.display_life import RETRY_FIRST_S, DisplayLife
from fanlight_capture.core.event_log import EventBody, EventLog
from fanlight_capture.core.held_keys import DEFAULT_LIMITS, HeldKeyLimits
from fanlight_capture.frame_loop import FrameLoop
from fanlight_capture.input_router import InputRouter
from fanlight_capture.open_source import OpenSource, open_source
from fanlight_capture.settings import CaptureSettings
from fanlight_capture.source import Source
from fanlight_common.bus.inlet_messages import inlet_messages
from fanlight_common.bus.receiver import Receiver
from fanlight_common.core.errors import SourceLostError
from fanlight_common.process import clock
from fanlight_common.protocol import bus, topics
from fanlight_common.protocol.binary import PointerPosition, PointerShape
from fanlight_common.protocol.control import Clipboard
from fanlight_common.protocol.topics import Lane
from fanlight_common.service.worker import Worker

log = logging.getLogger(__name__)


class CaptureService:
    """One desk. It is also the Listener of its source."""

    def __init__(
        self,
        worker: Worker,
        settings: CaptureSettings,
        opener: OpenSource = open_source,
        held_key_limits: HeldKeyLimits = DEFAULT_LIMITS,
    ) -> None:
        assert worker.outlet is not None
        self._worker = worker
        self._settings = settings
        self._open = opener
        self._outlet = Receiver(worker.outlet, self._on_subscription)
        self._events_topic = topics.events(settings.desk)
        lanes = [f(settings.desk, lane) for f in (topics.frame, topics.screenshot) for lane in Lane]
        self._demand = Demand([*lanes, self._events_topic])
        self._log = EventLog()
        self.input = InputRouter(held_key_limits, self._acknowledge)
        self._source: Source | None = None
        self._frames: FrameLoop | None = None
        self._loss: asyncio.Future[None] | None = None
        self._life = DisplayLife()
        self._offer(0, 0)
        worker.healthy = lambda: (True, self._details())

    async def run(self) -> None:
        """Serve until cancelled. Raises ConfigurationError for a display that cannot be used."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._outlet.run())
            group.create_task(
                inlet_messages(self._worker.inlet, bus.decode_capture_inlet, self._take)
            )
            group.create_task(self._watch_silence())
            group.create_task(self._keep_source())

    # The Listener: what the source tells.

    def damaged(self) -> None:
        """As in Listener."""
        if self._frames is not None:
            self._frames.damaged()

    def resized(self) -> None:
        """As in Listener."""
        if self._source is not None and self._frames is not None:
            log.info("event=resize width=%d height=%d", self._source.width, self._source.height)
            self._offer(self._source.width, self._source.height)
            self._frames.resized()

    def pointer_shape(self, shape: PointerShape) -> None:
        """As in Listener."""
        self._publish(shape)

    def pointer_position(self, position: PointerPosition) -> None:
        """As in Listener."""
        self._publish(position)

    def clipboard(self, text: str) -> None:
        """As in Listener."""
        self._publish(Clipboard(text))

    def lost(self, error: SourceLostError) -> None:
        """As in Listener."""
        if self._loss is not None and not self._loss.done():
            self._loss.set_exception(error)

    # The desk's life.

    async def _keep_source(self) -> None:
        while True:
            self._loss = asyncio.get_running_loop().create_future()
            retry_s = RETRY_FIRST_S
            try:
                source = await self._open(self, self._settings)
                await self._serve(source, self._loss)
            except SourceLostError as error:
                is_new, retry_s = self._life.lost()
                if is_new:
                    log.warning("event=away desk=%s reason=%r", self._settings.desk, str(error))
            finally:
                # A loss that nobody waits for any more counts as seen, so that asyncio does not log
                # it.
                if not self._loss.cancel() and not self._loss.cancelled():
                    self._loss.exception()
            await asyncio.sleep(retry_s)

    async def _serve(self, source: Source, loss: asyncio.Future[None]) -> None:
        self._source = source
        self._frames = FrameLoop(
            self._settings.desk,
            source,
            self._demand,
            self._outlet.send,
            1 / self._settings.max_fps,
            self._worker.now_us,
            lambda: self.input.injected,
        )
        self.input.attach(source)
        size = (source.width, source.height)
        log.info("event=live desk=%s width=%d height=%d", self._settings.desk, *size)
        self._life.opened()
        metrics.display_up.set(1)
        self._offer(*size)
        watched = self._demand.wants(self._events_topic)
        if watched:
            source.watch(True)
        # Those who subscribed while the display was away get the first picture now.
        self._frames.want(topic for topic in self._demand.topics if self._demand.wants(topic))
        reason = "stop"
        frames = asyncio.ensure_future(self._frames.run())
        try:
            done, _ = await asyncio.wait({frames, loss}, return_when=asyncio.FIRST_COMPLETED)
            reason = "display"
            for task in done:
                task.result()
        finally:
            frames.cancel()
            await self._end(source, reason)
            # This does not suppress CancelledError around `await frames`, because that would also
            # suppress a cancellation of this task.
            await asyncio.wait({frames})
            if not frames.cancelled():
                frames.exception()

    async def _end(self, source: Source, reason: str) -> None:
        await self.input.detach(reason)
        self._source = self._frames = None
        metrics.display_up.set(0)
        if reason == "display":
            metrics.display_losses.inc()
        self._log.forget()
        self._offer(0, 0)
        await source.close()

    def _offer(self, width: int, height: int) -> None:
        self._worker.offer.desks = (bus.DeskOffer(self._settings.desk, width, height),)
        self._worker.announce()

    def _details(self) -> dict[str, Any]:
        offer = self._worker.offer.desks[0]
        details = {
            "desk": offer.name,
            "display": self._life.state,
            "width": offer.width,
            "height": offer.height,
        }
        if self._source is not None:
            details |= asdict(self._source.capabilities)
        return details

    # The bus.

    def _on_subscription(self, message: bytes) -> None:
        watched = self._demand.wants(self._events_topic)
        subscribed = self._demand.update(message)
        watch = self._demand.wants(self._events_topic)
        if self._frames is not None:
            self._frames.demand_changed()
            self._frames.want(subscribed)
        if self._source is not None and watch != watched:
            if not watch:
                self._log.forget()
            self._source.watch(watch)
        elif self._events_topic in subscribed:
            for event in self._log.again():
                self._publish_event(event)

    def _take(self, message: bus.CaptureInlet) -> None:
        now = clock.now_s()
        if message.desk != self._settings.desk:
            metrics.inputs_ignored.labels("other_desk").inc()
            return
        match message:
            case bus.Grab():
                if self._frames is not None:
                    self._frames.want_screenshot()
            case bus.GrabNext():
                if self._frames is not None:
                    self._frames.want_next(message.sequence)
            case bus.ViewerAlive():
                self.input.heard(message.viewer, now)
            case _:
                self.input.handle(message, now)
                if isinstance(message, bus.Input) and message.sent_us:
                    took_us = self._worker.now_us() - message.sent_us
                    metrics.input_seconds.observe(max(0, took_us) / 1e6)

    async def _watch_silence(self) -> None:
        while True:
            await self.input.holding.wait()
            wait_s = self.input.release_silent(clock.now_s())
            if wait_s is not None:
                await asyncio.sleep(wait_s)

    def _publish(self, body: EventBody) -> None:
        event = self._log.note(body)
        if event is not None:
            metrics.events.labels(type(body).__name__).inc()
            self._publish_event(event)

    def _acknowledge(self, ack: bus.InputAck) -> None:
        self._outlet.send(topics.ack(self._settings.desk, ack.viewer), bus.encode(ack))

    def _publish_event(self, event: bus.Event) -> None:
        self._outlet.send(self._events_topic, bus.encode(event))
