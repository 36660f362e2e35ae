"""The video of one viewer: its stream, its gate there, and its moves between renditions.

Lives on the worker's loop; nothing here waits. A viewer that moves to another rendition keeps its
present stream until the first IDR of the new one has arrived, so that the picture never stops.
Three modules of `core` decide: `gate` which units the viewer is sent (the others are dropped),
`congestion` how much its path carries, and `ladder` which rendition it gets.
"""

import logging
from collections.abc import Callable

from fanlight_common.core.names import Rendition, stream_name
from fanlight_gateway import metrics
from fanlight_gateway.core.congestion import Congestion
from fanlight_gateway.core.gate import Drop, Gate
from fanlight_gateway.core.ladder import RUNGS, Ladder
from fanlight_gateway.core.paint_lag import PaintLag
from fanlight_gateway.core.unit import Unit
from fanlight_gateway.limits import Limits
from fanlight_gateway.streams.fan_out import StreamHub
from fanlight_gateway.viewers.sampling import ViewerSample
from fanlight_gateway.viewers.transport import Transport

log = logging.getLogger(__name__)

OnState = Callable[[str, Rendition | None], None]
"""Called with `live`, `waiting` or `off`, and the rendition that it is about."""


class Subscription:
    """A viewer's part in one stream. The stream's fan-out sees nothing else of the viewer."""

    def __init__(
        self, video: "ViewerVideo", desk: str, rendition: Rendition, gate: Gate, floor_kbps: float
    ) -> None:
        self.stream = stream_name(desk, rendition)
        self.rendition = rendition
        self.gate = gate
        self.state = ""
        """`live` or `waiting`. "" until the stream has told."""
        self.is_shown = False
        """Does the viewer see this stream? False before the first IDR of a stream that it moves to,
        and once it has left the stream."""
        self.send_unit = video.transport.send_unit
        self._encode = video.transport.encode_unit
        self._transport = video.transport
        self._video = video
        self._floor_kbps = floor_kbps

    @property
    def target_kbps(self) -> float:
        """What the viewer's path carries, kbit/s."""
        return self._video.congestion.target_kbps

    @property
    def is_in_band(self) -> bool:
        """Is the path known, and does it carry enough for this stream?"""
        return self._video.is_path_known and self.target_kbps >= self._floor_kbps

    def offer(self, unit: Unit, now: float) -> bytes | None:
        """Take a unit of the stream.

        Returns the unit's encoded form if the unit is to be sent at once. The caller sends it by
        `send_unit`, and counts it. Returns None if the unit was dropped, or waits in the gate;
        `Viewer.flush` will send it then.
        """
        gate = self.gate
        if self.is_shown and self._transport.is_writable and gate.pass_on(unit, now):
            return (unit.relaxed_forms if gate.is_relaxed else unit.forms)[self._encode]
        gate.offer(unit, now)
        self._video.offered(self, unit, now)
        return None

    def failed(self, error: Exception) -> None:
        """End the viewer, because a method that the stream called raised `error`."""
        self._video.failed(error)

    def video_state(self, state: str) -> None:
        """Note that the stream has an encoder (`live`) or none (`waiting`)."""
        self.state = state
        self._video.state_changed(self)


class ViewerVideo:
    """The video of one viewer, from the viewer's hello to its end."""

    def __init__(
        self,
        name: str,
        desk: str,
        limits: Limits,
        streams: StreamHub,
        transport: Transport,
        *,
        on_state: OnState,
        flush: Callable[[], None],
        failed: Callable[[Exception], None],
        now: float,
    ) -> None:
        """`flush` is called whenever `take` may have a unit; `failed` ends the viewer."""
        self.transport = transport
        self.failed = failed
        self.congestion = Congestion(limits.congestion)
        self.is_path_known = False
        """Has the target changed since the start? Until then the target is a guess."""
        self._name = name
        self._desk = desk
        self._limits = limits
        self._streams = streams
        self._on_state = on_state
        self._flush = flush
        self._ladder = Ladder(limits.ladder, now)
        self._keyframes_only = False
        self._current: Subscription | None = None
        """The stream that the viewer sees."""
        self._next: Subscription | None = None
        """The stream of another rendition, which replaces `_current` at its first IDR."""
        self._overflows = 0
        """The gate's count of overflows at the last tick."""
        self._was_well = False
        """Was all well at the last tick, so that the ladder has seen that, too?"""
        self._known_kbps = self.congestion.target_kbps
        """The target that the streams know of."""
        self._paint_lag = PaintLag()

    def want(self, enabled: bool, keyframes_only: bool, now: float) -> None:
        """Join the stream that the viewer wants: video or none, and all of it or one picture a
        second.

        Leaves the streams that the viewer wants no more, and drops what waits of them.
        """
        self._keyframes_only = keyframes_only
        wanted = None
        if enabled:
            wanted = Rendition.KEYFRAMES if keyframes_only else self._ladder.rendition
        if wanted == (self._current.rendition if self._current else None):
            return
        self._end(self._next)
        self._end(self._current)
        self._next = self._current = None
        self._paint_lag.forget(now)
        if wanted is None:
            self._on_state("off", None)
        else:
            self._current = self._subscription(wanted)
            self._current.is_shown = True
            self._streams.join(self._current.stream, self._current)

    def take(self, now: float) -> bytes | None:
        """Take the next unit that waits, encoded. It is in flight from now on. Returns None if no
        unit waits, or if the viewer's path has no room for it."""
        if self._current is None:
            return None
        gate = self._current.gate
        unit = gate.take(now)
        if unit is None:
            return None
        metrics.queue_seconds.observe(gate.waited_s)
        metrics.units_sent.inc()
        metrics.video_bytes.inc(unit.size_bytes)
        return (unit.relaxed_forms if gate.is_relaxed else unit.forms)[self.transport.encode_unit]

    def acked(self, epoch: int, received: int, painted: int, now: float) -> None:
        """Note that the viewer has received and painted all up to these sequence numbers."""
        arrived = self.congestion.acked(epoch, received, now)
        self._paint_lag.painted(epoch, painted)
        if not self.congestion.is_calm:
            self._learn(now)
        if self._current is not None:
            gate = self._current.gate
            gate.acked(arrived, epoch, painted, now)
            self._streams.settle(self._current.stream)
            if gate.waiting_bytes:
                self._flush()

    def sample(self, now: float) -> ViewerSample:
        """Return how the viewer's video is, for /metrics."""
        if self._current is None:
            return ViewerSample(self._desk, "screenshots", 0.0, None)
        path = self.congestion if self.congestion.is_measured else None
        history = self._streams.history(self._current.stream)
        behind_s = self._paint_lag.behind_s(history, now) if history is not None else 0.0
        return ViewerSample(self._desk, str(self._current.rendition), behind_s, path)

    def request_idr(self) -> None:
        """Close the gate until the next IDR, because the viewer's decoder can use no delta before
        it. If an IDR is on its way already, nothing changes."""
        if self._current is not None and not self._current.gate.has_idr_on_its_way:
            self._current.gate.close()
            self._streams.settle(self._current.stream)

    def tick(self, now: float) -> None:
        """Look at the path, the gate and the rendition. Called several times a second."""
        was_well, self._was_well = self._was_well, self._is_well(now)
        if was_well and self._was_well:
            return
        self._learn(now)
        if self._current is None or self._keyframes_only:
            return
        if self._current.gate.waiting_bytes:
            self._flush()  # time alone can make room, too
        overflows, self._overflows = self._overflows, self._current.gate.overflows
        is_shared = self._streams.is_shared(self._current.stream)
        moved = self._ladder.step(
            self.congestion.target_kbps,
            limited=self.congestion.is_limited(now),
            fell_behind=self._overflows > overflows and is_shared,
            now=now,
        )
        if moved:
            self._move(self._ladder.rendition)

    def offered(self, subscription: Subscription, unit: Unit, now: float) -> None:
        """Note that a gate has got `unit`, which was not sent at once. If it is the first IDR of
        the next rendition, that stream becomes the current one."""
        if subscription is self._next and unit.idr:
            self._end(self._current)
            self._current, self._next = subscription, None
            subscription.is_shown = True
            self._overflows = subscription.gate.overflows
            self._paint_lag.forget(now)
            self.state_changed(subscription)
        if subscription is self._current and subscription.gate.waiting_bytes:
            self._flush()

    def state_changed(self, subscription: Subscription) -> None:
        """Tell the viewer if its current stream has an encoder now, or has none any more."""
        if subscription is self._current:
            self._on_state(subscription.state, subscription.rendition)

    def _is_well(self, now: float) -> bool:
        """Is there nothing that time could change? If so, the tick does nothing. With hundreds of
        viewers that is nearly always so."""
        current = self._current
        return (
            current is not None
            and current.rendition is RUNGS[0]
            and self.congestion.is_calm
            and current.gate.overflows == self._overflows
            and not current.gate.waiting_bytes
            and not self.congestion.is_overdue(now)
        )

    def _learn(self, now: float) -> None:
        self.congestion.tick(now)
        if self.congestion.target_kbps != self._known_kbps:
            self._known_kbps = self.congestion.target_kbps
            self.is_path_known = True
            for subscription in (self._current, self._next):
                if subscription is not None:
                    self._streams.rate_changed(subscription.stream)

    def _move(self, rendition: Rendition) -> None:
        log.info(
            "event=rendition desk=%s viewer=%s to=%s target_kbps=%d inflation_ms=%d",
            self._desk,
            self._name,
            rendition,
            self.congestion.target_kbps,
            self.congestion.inflation_s * 1000,
        )
        metrics.rendition_moves.labels(rendition).inc()
        self._end(self._next)
        self._next = None
        if self._current is None or self._current.rendition is not rendition:
            self._next = self._subscription(rendition)
            self._streams.join(self._next.stream, self._next)

    def _subscription(self, rendition: Rendition) -> Subscription:
        gate = Gate(self._limits.gate, self.congestion, _count_drop)
        floor_kbps = self._limits.ladder.floors_kbps.get(rendition, 0.0)
        return Subscription(self, self._desk, rendition, gate, floor_kbps)

    def _end(self, subscription: Subscription | None) -> None:
        if subscription is not None:
            subscription.is_shown = False
            subscription.gate.close()
            self._streams.leave(subscription.stream, subscription)


_DROPS = {reason: metrics.units_dropped.labels(reason) for reason in Drop}
"""Looked up once, because with hundreds of viewers the look-up was a tenth of a gateway's work."""


def _count_drop(reason: Drop, count: int) -> None:
    _DROPS[reason].inc(count)
