"""Fan-out: receives each stream that somebody watches once, and offers it to every viewer's gate.

Lives on the worker's loop. A stream exists only while it has viewers, because its feed is the
demand that makes an encoder encode (`fanlight_common.bus.unit_feed`). Nothing here waits for a
viewer: a unit is sent at once if the viewer's path and socket have room, and waits in the viewer's
gate otherwise. An error about one viewer ends that viewer; an error about the stream ends the
stream's viewers. Nothing is dropped here: the feed drops units of epochs that are over, and the
gates drop the rest.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

from fanlight_common.bus.inlet_connections import InletConnections
from fanlight_common.bus.unit_feed import FeedEvent, UnitDemand, UnitFeed
from fanlight_common.core.idr_requests import IdrRequestLimits
from fanlight_common.process import clock
from fanlight_common.protocol.binary import VideoUnit
from fanlight_common.service.worker import Worker
from fanlight_gateway import metrics
from fanlight_gateway.core.gate import Gate
from fanlight_gateway.core.paint_lag import UnitLog
from fanlight_gateway.core.unit import Unit
from fanlight_gateway.streams.failures import SourceFailedError

_FEW = 8
"""If a stream has more viewers, its changes are collected before the stream looks at them."""
_PAUSE_S = 20e-6
"""They are collected for this time, in seconds, for each viewer, because looking at a viewer takes
some microseconds."""


class Subscriber(Protocol):
    """A viewer's part in a stream, as the stream sees it."""

    gate: Gate

    @property
    def target_kbps(self) -> float:
        """What the viewer's path carries, kbit/s."""

    @property
    def is_in_band(self) -> bool:
        """Is the path known, and does it carry enough for this stream?"""

    send_unit: Callable[[bytes], None]
    """Sends the viewer what `offer` returned."""

    def offer(self, unit: Unit, now: float) -> bytes | None:
        """Take a unit. Returns it in the transport's form if the caller is to send it at once, and
        None if it waits in the gate or was dropped."""

    def failed(self, error: Exception) -> None:
        """End the viewer, because a method of this object raised `error`."""

    def video_state(self, state: str) -> None:
        """Note that the stream has an encoder (`live`) or none (`waiting`)."""


def stream_kbps(viewers: Collection[Subscriber]) -> int:
    """Return the lowest rate of those viewers whose path can carry this stream at all, kbit/s.

    The other viewers have just come, or are about to move to a lower rendition. They count only if
    there are no others, so that one slow viewer changes nothing for the rest.
    """
    able = [viewer.target_kbps for viewer in viewers if viewer.is_in_band]
    return round(min(able or [viewer.target_kbps for viewer in viewers], default=0))


_COUNTERS = {
    FeedEvent.REFUSED: metrics.refused.labels("unit"),
    FeedEvent.OLD: metrics.units_dropped.labels("old_epoch"),
    FeedEvent.EARLY: metrics.units_dropped.labels("early_epoch"),
    FeedEvent.IDR_REQUESTED: metrics.idr_requests,
}


class StreamFanOut:
    """One desk in one rendition, while at least one viewer watches it. It is a `UnitConsumer`."""

    def __init__(
        self,
        worker: Worker,
        inlets: InletConnections,
        idr: IdrRequestLimits,
        group: asyncio.TaskGroup,
        name: str,
    ) -> None:
        self.viewers: dict[Subscriber, None] = {}
        """The viewers, in the order in which they came. This is about their order in memory, which
        saves 0.6 us a viewer."""
        self.history = UnitLog()
        self._name = name
        self._now_us = worker.now_us
        self._rate: tuple[int, bool] | None = None
        """The rate that the viewers' paths can take, kbit/s, and whether a viewer is in band. None
        if this has to be computed again."""
        self._is_leased = False
        self.has_failed = False
        """Has the feed ended because of an error? If so, the viewers are about to leave."""
        self._feed = UnitFeed(worker, inlets, group, name, self, idr)

    def close(self) -> None:
        """End the feed, and the demand with it."""
        self._feed.close()

    def join(self, viewer: Subscriber) -> None:
        """Add a viewer, which gets units from the next IDR on."""
        self.viewers[viewer] = None
        self._viewers_changed()
        viewer.video_state(self._state())
        self.settle()

    def leave(self, viewer: Subscriber) -> None:
        """Remove a viewer, which is offered no more units."""
        self.viewers.pop(viewer, None)
        self._viewers_changed()

    def rate_changed(self) -> None:
        """Note that a viewer's path can take more or less than before."""
        self._rate = None

    def settle(self) -> None:
        """Note that a gate may have changed. The feed asks for an IDR, or tells of room, if that is
        due.

        It does so at once if there are few viewers. The feed looks at the demand of all viewers,
        and each of their acknowledgements leads here. So with hundreds of viewers the feed collects
        the changes of some milliseconds, and looks once.
        """
        self._feed.settle()

    def demand(self) -> UnitDemand:
        """Return what all viewers together want of the encoder."""
        wanted, room = self._wishes(clock.now_s())
        if self._rate is None:
            in_band = any(viewer.is_in_band for viewer in self.viewers)
            self._rate = stream_kbps(self.viewers), in_band
        return UnitDemand(wanted, room, *self._rate)

    def take(self, unit: VideoUnit, data: bytes) -> None:
        """Offer a unit to every viewer."""
        age_us = self._now_us() - unit.captured_us
        metrics.arrival_age_seconds.observe(max(0, age_us) / 1e6)
        self._pass_on(Unit(unit.epoch, unit.sequence, unit.idr, data), clock.now_s())

    def lease_changed(self, is_leased: bool) -> None:
        """Tell the viewers whether there is an encoder."""
        self._is_leased = is_leased
        for viewer in list(self.viewers):
            try:
                viewer.video_state(self._state())
            except Exception as error:  # noqa: BLE001 - ends the viewer it is about
                viewer.failed(error)

    def interrupted(self) -> None:
        """Close the gates, because another encoder begins, so that its IDR is asked for now."""
        for viewer in self.viewers:
            viewer.gate.interrupt()

    def counted(self, event: FeedEvent) -> None:
        """Count what happened in the feed."""
        _COUNTERS[event].inc()

    def failed(self, error: Exception) -> None:
        """End the viewers, because the feed ended by `error`, which was logged. They come back to a
        new stream."""
        self.has_failed = True
        for viewer in list(self.viewers):
            # Without the traceback, so that it is in the log once, and not once for each viewer.
            viewer.failed(SourceFailedError(f"{self._name}: {error!r}"))

    def _viewers_changed(self) -> None:
        self.rate_changed()
        count = len(self.viewers)
        self._feed.pause_s = 0.0 if count <= _FEW else _PAUSE_S * count

    def _wishes(self, now: float) -> tuple[bool, bool]:
        """Return whether an IDR would help a viewer, and whether a viewer has room."""
        wanted = room = False
        for viewer in list(self.viewers):
            gate = viewer.gate
            try:
                wanted = wanted or (not gate.is_open and gate.wants_idr(now))
                room = room or gate.has_room(now)
            except Exception as error:  # noqa: BLE001 - ends the viewer it is about
                viewer.failed(error)
        return wanted, room

    def _state(self) -> str:
        return "live" if self._is_leased else "waiting"

    def _pass_on(self, unit: Unit, now: float) -> None:
        """Offer the unit to every viewer's gate, and send it to those whose path has room.

        A unit is not dropped for a slow viewer here, but in the viewer's gate (`gate.Gate.offer`).
        """
        self.history.add(unit.label, now)
        due: list[tuple[Callable[[bytes], None], bytes, Subscriber]] = []
        for viewer in list(self.viewers):  # a copy, because an IDR may let a viewer leave
            try:
                encoded = viewer.offer(unit, now)
            except Exception as error:  # noqa: BLE001 - ends the viewer it is about
                viewer.failed(error)
            else:
                if encoded is not None:
                    due.append((viewer.send_unit, encoded, viewer))
        # A loop of its own, so that the processor's caches hold either our code or the kernel's.
        for send_unit, encoded, viewer in due:
            try:
                send_unit(encoded)
            except Exception as error:  # noqa: BLE001 - ends the viewer it is about
                viewer.failed(error)
        # All viewers that were sent the unit at once are counted together.
        count = len(due)
        metrics.units_sent.inc(count)
        metrics.video_bytes.inc(count * unit.size_bytes)
        metrics.queue_seconds.observe_many(0.0, count)


class StreamHub:
    """Knows the streams that are watched through this gateway."""

    def __init__(
        self,
        worker: Worker,
        inlets: InletConnections,
        idr: IdrRequestLimits,
        group: asyncio.TaskGroup,
    ) -> None:
        self._worker = worker
        self._inlets = inlets
        self._idr = idr
        self._group = group
        self._streams: dict[str, StreamFanOut] = {}

    def join(self, name: str, viewer: Subscriber) -> None:
        """Add `viewer` to this stream, and begin the demand if it is the first."""
        stream = self._streams.get(name)
        if stream is None or stream.has_failed:
            stream = self._streams[name] = StreamFanOut(
                self._worker, self._inlets, self._idr, self._group, name
            )
        stream.join(viewer)

    def leave(self, name: str, viewer: Subscriber) -> None:
        """Remove `viewer` from this stream, and end the demand if it was the last."""
        stream = self._streams.get(name)
        if stream is None:  # the gateway has ended all demand already
            return
        stream.leave(viewer)
        if not stream.viewers:
            del self._streams[name]
            stream.close()

    def settle(self, name: str) -> None:
        """Note that a gate on this stream has changed."""
        if name in self._streams:
            self._streams[name].settle()

    def rate_changed(self, name: str) -> None:
        """Note that a viewer's path on this stream can take more or less than before."""
        if name in self._streams:
            self._streams[name].rate_changed()

    def history(self, name: str) -> UnitLog | None:
        """Return which units this stream had lately. None if it is not watched."""
        return self._streams[name].history if name in self._streams else None

    def is_shared(self, name: str) -> bool:
        """Do several of this gateway's viewers watch this stream?"""
        return name in self._streams and len(self._streams[name].viewers) > 1

    def tick(self) -> None:
        """Look at every stream, because time alone closes windows and makes requests due. Called
        several times a second."""
        for stream in list(self._streams.values()):
            stream.settle()

    def close(self) -> None:
        """End all demand."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
