"""One viewer's video: the stream it gets, its gate there, and its way between renditions.

Lives on the worker's loop; nothing here waits. Who moves to another rendition keeps the stream it
has until the first IDR of the new one is there, so that the picture never stops for it. Decisions
are elsewhere: `gate`, `congestion`, `ladder`.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from fanlight_common.core.names import Rendition, stream_name
from fanlight_gateway import metrics
from fanlight_gateway.core.congestion import Congestion
from fanlight_gateway.core.gate import Drop, Gate, Unit
from fanlight_gateway.core.ladder import RUNGS, Ladder
from fanlight_gateway.core.paint_lag import Lateness
from fanlight_gateway.settings import GatewaySettings
from fanlight_gateway.streams.fan_out import StreamHub
from fanlight_gateway.viewers.sampling import Figures, Path

log = logging.getLogger(__name__)

OnState = Callable[[str, Rendition | None], None]
"""`live`, `waiting` or `off`, and of which rendition."""


class Outlet(Protocol):
    """The viewer's socket, as far as video that need not wait goes past all else."""

    is_free: bool
    """Does it take a frame now, with nothing else waiting?"""
    send: Callable[[bytes], None]
    """Sends a frame, whole."""


class Share:
    """A viewer's part in one stream: what the stream sees of it."""

    def __init__(
        self, video: "ViewerVideo", desk: str, rendition: Rendition, gate: Gate, floor_kbps: float
    ) -> None:
        self.stream = stream_name(desk, rendition)
        self.rendition = rendition
        self.gate = gate
        self.state = ""
        self.is_shown = False
        """Is it this one that the viewer sees, not one that is to come or is over?"""
        self.send = video.outlet.send
        self._outlet = video.outlet
        self._video = video
        self._floor_kbps = floor_kbps

    @property
    def target_kbps(self) -> float:
        """What the viewer's path takes."""
        return self._video.congestion.target_kbps

    @property
    def is_in_band(self) -> bool:
        """Is that enough for this stream, as far as its path has shown it?"""
        return self._video.has_shown and self.target_kbps >= self._floor_kbps

    def offer(self, unit: Unit, now_ms: float) -> bytes | None:
        """A unit of the stream; what is returned is to be sent at once, and was not counted."""
        gate = self.gate
        if self.is_shown and self._outlet.is_free and gate.pass_on(unit, now_ms):
            return unit.relaxed if gate.is_relaxed else unit.framed
        gate.offer(unit, now_ms)
        self._video.offered(self, unit, now_ms)
        return None

    def failed(self, error: Exception) -> None:
        """Something that the stream asked of it raised this."""
        self._video.failed(error)

    def video_state(self, state: str) -> None:
        """`live` or `waiting`: is there an encoder?"""
        self.state = state
        self._video.state_changed(self)


class ViewerVideo:
    """From the viewer's hello to its end. `wake` is called when there may be something to send."""

    def __init__(
        self,
        name: str,
        desk: str,
        settings: GatewaySettings,
        streams: StreamHub,
        *,
        on_state: OnState,
        wake: Callable[[], None],
        outlet: Outlet,
        failed: Callable[[Exception], None],
        now_ms: float,
    ) -> None:
        """`failed` ends the viewer, whatever of it raised the error."""
        self.outlet = outlet
        self.failed = failed
        self.congestion = Congestion(settings.congestion)
        self.has_shown = False
        """Was anything learnt of its path? Until then the target is a guess."""
        self._name = name
        self._desk = desk
        self._settings = settings
        self._streams = streams
        self._on_state = on_state
        self._wake = wake
        self._ladder = Ladder(settings.ladder, now_ms)
        self._keyframes_only = False
        self._share: Share | None = None
        self._next: Share | None = None
        """The rendition to come, until its first IDR."""
        self._overflows = 0
        self._was_well = False
        """At the last tick, after which the ladder knew of it, too."""
        self._known_kbps = self.congestion.target_kbps
        self._lateness = Lateness()

    def want(self, enabled: bool, keyframes_only: bool, now_ms: float) -> None:
        """What the viewer wants: video or none, all of it or one picture a second."""
        self._keyframes_only = keyframes_only
        wanted = None
        if enabled:
            wanted = Rendition.KEYFRAMES if keyframes_only else self._ladder.rendition
        if wanted == (self._share.rendition if self._share else None):
            return
        self._end(self._next)
        self._end(self._share)
        self._next = self._share = None
        self._lateness.forget(now_ms)
        if wanted is None:
            self._on_state("off", None)
        else:
            self._share = self._new_share(wanted)
            self._share.is_shown = True
            self._streams.join(self._share.stream, self._share)

    def take(self, now_ms: float) -> bytes | None:
        """The next unit to be sent, framed; None: nothing, or no room."""
        if self._share is None:
            return None
        gate = self._share.gate
        unit = gate.take(now_ms)
        if unit is None:
            return None
        metrics.queue_seconds.observe(gate.waited_ms / 1000)
        metrics.units_sent.inc()
        metrics.video_bytes.inc(unit.size_bytes)
        return unit.relaxed if gate.is_relaxed else unit.framed

    def acked(self, epoch: int, received: int, painted: int, now_ms: float) -> None:
        """What the viewer has received and painted."""
        arrived = self.congestion.acked(epoch, received, now_ms)
        self._lateness.painted(epoch, painted)
        if not self.congestion.is_calm:
            self._learn(now_ms)
        if self._share is not None:
            gate = self._share.gate
            gate.acked(arrived, epoch, painted, now_ms)
            self._streams.settle(self._share.stream)
            if gate.waiting_bytes:
                self._wake()

    def figures(self, now_ms: float) -> Figures:
        """How it is, for /metrics."""
        if self._share is None:
            return Figures(self._desk, "screenshots", 0.0, None)
        path = None
        if self.congestion.is_measured:
            path = Path(
                self.congestion.base_rtt_ms,
                self.congestion.inflation_ms,
                self.congestion.target_kbps,
                self.congestion.window_bytes,
                self.congestion.in_flight_bytes,
            )
        history = self._streams.history(self._share.stream)
        behind_ms = self._lateness.behind_ms(history, now_ms) if history is not None else 0.0
        return Figures(self._desk, str(self._share.rendition), behind_ms, path)

    def request_idr(self) -> None:
        """The viewer's decoder needs one; deltas are of no use to it until then."""
        if self._share is not None and not self._share.gate.has_idr_on_its_way:
            self._share.gate.close()
            self._streams.settle(self._share.stream)

    def tick(self, now_ms: float) -> None:
        """Several times a second."""
        was_well, self._was_well = self._was_well, self._is_well(now_ms)
        if was_well and self._was_well:
            return
        self._learn(now_ms)
        if self._share is None or self._keyframes_only:
            return
        if self._share.gate.waiting_bytes:
            self._wake()  # windows also open by time alone
        overflows, self._overflows = self._overflows, self._share.gate.overflows
        moved = self._ladder.step(
            self.congestion.target_kbps,
            limited=self.congestion.is_limited(now_ms),
            fell_behind=self._overflows > overflows and self._streams.is_shared(self._share.stream),
            now_ms=now_ms,
        )
        if moved:
            self._move(self._ladder.rendition)

    def offered(self, share: Share, unit: Unit, now_ms: float) -> None:
        """A unit of a stream that was joined."""
        if share is self._next and unit.idr:
            self._end(self._share)
            self._share, self._next = share, None
            share.is_shown = True
            self._overflows = share.gate.overflows
            self._lateness.forget(now_ms)
            self.state_changed(share)
        if share is self._share and share.gate.waiting_bytes:
            self._wake()

    def state_changed(self, share: Share) -> None:
        """There is an encoder for a stream that was joined, or none."""
        if share is self._share:
            self._on_state(share.state, share.rendition)

    def _is_well(self, now_ms: float) -> bool:
        """Is there nothing that time could change? With hundreds of viewers most are."""
        share = self._share
        return (
            share is not None
            and share.rendition is RUNGS[0]
            and self.congestion.is_calm
            and share.gate.overflows == self._overflows
            and not share.gate.waiting_bytes
            and not self.congestion.is_overdue(now_ms)
        )

    def _learn(self, now_ms: float) -> None:
        self.congestion.tick(now_ms)
        if self.congestion.target_kbps != self._known_kbps:
            self._known_kbps = self.congestion.target_kbps
            self.has_shown = True
            for share in (self._share, self._next):
                if share is not None:
                    self._streams.rate_changed(share.stream)

    def _move(self, rendition: Rendition) -> None:
        log.info(
            "event=rendition desk=%s viewer=%s to=%s target_kbps=%d inflation_ms=%d",
            self._desk,
            self._name,
            rendition,
            self.congestion.target_kbps,
            self.congestion.inflation_ms,
        )
        metrics.rendition_moves.labels(rendition).inc()
        self._end(self._next)
        self._next = None
        if self._share is None or self._share.rendition is not rendition:
            self._next = self._new_share(rendition)
            self._streams.join(self._next.stream, self._next)

    def _new_share(self, rendition: Rendition) -> Share:
        gate = Gate(self._settings.gate, self.congestion, _count_drop)
        floor = self._settings.ladder.floors_kbps.get(rendition, 0.0)
        return Share(self, self._desk, rendition, gate, floor)

    def _end(self, share: Share | None) -> None:
        if share is not None:
            share.is_shown = False
            share.gate.close()
            self._streams.leave(share.stream, share)


_DROPS = {reason: metrics.units_dropped.labels(reason) for reason in Drop}
"""Looked up once: with hundreds of viewers the look-up was a tenth of what a gateway did."""


def _count_drop(reason: Drop, count: int) -> None:
    _DROPS[reason].inc(count)
