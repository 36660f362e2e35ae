"""One viewer: what its messages mean, and what is to be sent to it next. No socket in here.

Lives on the worker's loop; nothing here waits. Drops video as its gate says, and of what its
mailbox holds all but the newest of each kind. Input is passed on in order or refused to the sender.
"""

import logging
import secrets
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.grants import Grant
from fanlight_common.core.names import Rendition
from fanlight_common.process import clock
from fanlight_common.protocol import binary, bus, control
from fanlight_common.protocol.binary import CloseCode
from fanlight_gateway import metrics
from fanlight_gateway.core.mailbox import Mailbox
from fanlight_gateway.core.rate_limits import Throttle, TokenBucket
from fanlight_gateway.core.websocket_frames import framed
from fanlight_gateway.settings import GatewaySettings
from fanlight_gateway.streams.desk_channel import DeskChannel, DeskChannels
from fanlight_gateway.streams.fan_out import StreamHub
from fanlight_gateway.viewers.sampling import Figures, ages
from fanlight_gateway.viewers.video import Outlet, ViewerVideo

log = logging.getLogger(__name__)
ERROR_INTERVAL_S = 1.0
"""An error of one code is not told more often."""
IDR_INTERVAL_S = 0.3
"""A viewer's own request for an IDR is not honoured more often."""
ALIVE_INTERVAL_S = 1.0
_AGE_UNKNOWN_MS = 65535
_ACK = bytes([binary.Ack.TYPE])


P = ParamSpec("P")


def _contained(
    method: Callable[Concatenate["Viewer", P], None],
) -> Callable[Concatenate["Viewer", P], None]:
    """What is called from a round over all viewers: an error ends this one, not the round."""

    def call(self: "Viewer", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - ends the viewer it is about
            self.failed(error)

    call.__doc__ = method.__doc__
    return call


class Nowhere:
    """The outlet of a viewer whose way carries no video."""

    is_free = False

    def __init__(self) -> None:
        self.send: Callable[[bytes], None] = lambda _: None
        """Never called."""


class Viewer:
    """A viewer that has said hello, until `end`.

    What raises an error that nobody foresaw ends it (`failed`), and neither the others nor the
    gateway.
    """

    def __init__(
        self,
        hello: control.Hello,
        grant: Grant,
        record: bus.DeskRecord,
        settings: GatewaySettings,
        links: DeskChannels,
        streams: StreamHub,
        close: Callable[[CloseCode, str], None],
        wake: Callable[[], None],
        *,
        outlet: Outlet | None = None,
        now_us: Callable[[], int] = clock.now_us,
    ) -> None:
        """`wake` is called when `next_told` or `next_video` may have something. `outlet`: where
        video goes, if the way to the viewer can carry it. `now_us`: the clock that units are
        stamped with, which the viewer learns from pongs."""
        self.grant = grant
        # The viewer's own id lives on in its next connection, whose keys are others.
        self.id = f"{hello.viewer}-{secrets.token_hex(4)}"
        self.desk = record.desk
        self._settings = settings
        self._links = links
        self._close = close
        self._wake = wake
        self._now_us = now_us
        self._outlet: Outlet = outlet or Nowhere()
        self._can_have_video = outlet is not None
        self._has_failed = False
        self._mailbox = Mailbox()
        self._video_enabled = hello.video_enabled
        self._keyframes_only = hello.keyframes_only
        self._lost_input = False
        self._input_sequence = 0
        self._painted = (0, 0)
        self._bad_messages = 0
        now = clock.now_s()
        self._rate = TokenBucket(settings.message_rate, settings.message_burst, now)
        self._errors: dict[str, Throttle] = {}
        self._idr_requests = Throttle(IDR_INTERVAL_S)
        self._alive = Throttle(ALIVE_INTERVAL_S)
        self._link: DeskChannel = links.join(record, self)
        self._video = ViewerVideo(
            self.id,
            self.desk,
            settings,
            streams,
            on_state=self._on_video_state,
            wake=wake,
            outlet=self._outlet,
            failed=self.failed,
            now_ms=now * 1000,
        )
        if self._video_enabled:
            self._video.want(True, self._keyframes_only, now * 1000)
        else:
            self._on_video_state("off", None)

    def end(self) -> None:
        """The viewer has gone."""
        self._video.want(False, False, clock.now_s() * 1000)
        if self.grant.can_control:
            self._link.tell(bus.ReleaseViewer(self.desk, self.id, "left"))
        self._links.leave(self._link, self)

    def failed(self, error: Exception) -> None:
        """Something of this viewer's raised it: told once, and then it ends."""
        if self._has_failed:
            return
        self._has_failed = True
        metrics.failed.inc()
        log.error("event=viewer_failed desk=%s viewer=%s", self.desk, self.id, exc_info=error)
        self._close(CloseCode.FAILED, "an error at the gateway; come back")

    def next_told(self) -> bytes | str | None:
        """Take what is to be sent next, all but video."""
        return self._mailbox.next()

    def next_video(self) -> bytes | None:
        """Take the next unit, framed; None: nothing, or no room for what waits."""
        return self._video.take(clock.now_s() * 1000)

    def take_pongs(self) -> list[bytes]:
        """Take the answers to pings, before `next_told` does."""
        return self._mailbox.take_pongs()

    def handle(self, message: bytes | str) -> None:
        """A message from the viewer. Whatever it is, nothing but the viewer itself is harmed."""
        try:
            self._handle(message, clock.now_s())
        except Exception as error:  # noqa: BLE001 - ends the viewer it is about
            self.failed(error)

    @_contained
    def tick(self) -> None:
        """Several times a second."""
        self._video.tick(clock.now_s() * 1000)

    def figures(self) -> Figures:
        """How its video is, for /metrics."""
        try:
            return self._video.figures(clock.now_s() * 1000)
        except Exception as error:  # noqa: BLE001 - ends the viewer it is about
            self.failed(error)
            return Figures(self.desk, "screenshots", 0.0, None)

    # What links call.

    @_contained
    def desk_changed(self, record: bus.DeskRecord) -> None:
        """How the desk is now."""
        state = control.DeskState(record.state, record.width, record.height)
        self._put("desk", state.encode())

    @_contained
    def event(self, kind: str, message: bytes | str) -> None:
        """Pointer or clipboard. What was copied may be a password: viewers only watch."""
        if kind != "clipboard" or self.grant.can_control:
            self._put(kind, message)

    # What the viewer wants.

    def _handle(self, message: bytes | str, now: float) -> None:
        if not self._rate.take(now):
            metrics.refused.labels("too_fast").inc()
            self._close(CloseCode.TOO_FAST, "too many messages a second")
            return
        if len(message) > binary.MAX_VIEWER_MESSAGE_BYTES:
            metrics.refused.labels("too_large").inc()
            self._close(CloseCode.BAD_MESSAGE, "message too large")
            return
        try:
            if isinstance(message, str):
                self._on_control(control.decode_from_viewer(message))
            elif message[:1] == _ACK:  # most are
                self._on_ack(*binary.Ack.fields(message), now * 1000)
            else:
                self._on_binary(binary.decode_from_viewer(message), message, now)
        except ProtocolError as error:
            self._refuse("bad_message", str(error))
            self._bad_messages += 1
            if self._bad_messages >= self._settings.bad_message_limit:
                self._close(CloseCode.BAD_MESSAGE, "too many bad messages")

    def _on_binary(self, message: binary.ViewerMessage, data: bytes, now: float) -> None:
        match message:
            case binary.Ping():
                pong = binary.Pong(message.id, message.viewer_us, self._now_us()).encode()
                if self._outlet.is_free:
                    self._outlet.send(framed(pong))
                else:
                    self._mailbox.pong(pong)
                    self._wake()
                if message.base_rtt_ms:
                    self._video.congestion.told_base_rtt(message.base_rtt_ms, now * 1000)
                if self.grant.can_control and self._alive.allow(now):
                    self._link.tell(bus.ViewerAlive(self.desk, self.id))
            case _:
                self._on_input(type(message).__name__, data)

    def _on_control(self, message: control.ViewerControl) -> None:
        match message:
            case control.Hello():
                raise ProtocolError("hello: only once")
            case control.SetVideoEnabled(enabled):
                self._video_enabled = enabled and self._can_have_video
                self._want()
            case control.SetKeyframesOnly(enabled):
                self._keyframes_only = enabled
                self._want()
            case control.FellBack(reason):
                metrics.falls.labels(reason).inc()
                log.info("event=fell_back desk=%s viewer=%s reason=%s", self.desk, self.id, reason)
            case control.RequestIdr():
                self._on_request_idr()
            case control.SetFocus(focused):
                if not focused and self.grant.can_control:
                    self._link.tell(bus.ReleaseViewer(self.desk, self.id, "blur"))
            case control.Clipboard(text):
                if self._may_control():
                    self._deliver(bus.SetClipboard(self.desk, self.id, text))

    def _on_input(self, kind: str, data: bytes) -> None:
        if not self._may_control():
            return
        if self._lost_input and self._link.tell(bus.ReleaseViewer(self.desk, self.id, "lost")):
            self._lost_input = False
        sequence = self._input_sequence + 1
        if self._deliver(bus.Input(self.desk, self.id, sequence, data, self._now_us())):
            # Counted only when it is on its way, so that a gap means that one was lost there.
            self._input_sequence = sequence
            metrics.input_messages.labels(kind).inc()
        else:
            # It may have been a key going up: before anything else arrives, all have to.
            self._lost_input = True

    def _want(self) -> None:
        self._video.want(self._video_enabled, self._keyframes_only, clock.now_s() * 1000)

    def _on_ack(self, age_ms: int, epoch: int, received: int, painted: int, now_ms: float) -> None:
        if painted and age_ms != _AGE_UNKNOWN_MS:
            if (epoch, painted) != self._painted:
                ages.add(age_ms)
            self._painted = (epoch, painted)
        self._video.acked(epoch, received, painted, now_ms)

    def _on_request_idr(self) -> None:
        if not self._idr_requests.allow(clock.now_s()):
            metrics.refused.labels("idr_too_often").inc()
            return
        self._video.request_idr()

    def _on_video_state(self, state: str, rendition: Rendition | None) -> None:
        log.info(
            "event=video desk=%s viewer=%s state=%s rendition=%s",
            *(self.desk, self.id, state, rendition or "none"),
        )
        self._put("video", control.VideoState(state, rendition or "").encode())

    def _may_control(self) -> bool:
        if self.grant.can_control:
            return True
        self._refuse("view_only", "this token allows to watch, not to control")
        return False

    def _deliver(self, message: bus.CaptureInlet) -> bool:
        if self._link.record.state == "live" and self._link.tell(message):
            return True
        self._refuse("desk_away", "the desk is away; this went nowhere")
        return False

    def _refuse(self, code: str, message: str) -> None:
        metrics.refused.labels(code).inc()
        if self._errors.setdefault(code, Throttle(ERROR_INTERVAL_S)).allow(clock.now_s()):
            self._put(f"error {code}", control.Error(code, message).encode())

    def _put(self, kind: str, message: bytes | str) -> None:
        self._mailbox.put(kind, message)
        self._wake()
