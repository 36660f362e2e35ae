"""One viewer: decides what its messages mean, and which message it is sent next. Has no socket.

Lives on the worker's loop; nothing here waits. Drops video as the viewer's gate decides, and drops
all messages in the mailbox but the newest of each kind. Input is passed on in order. If that is not
possible, input is refused, and the viewer is told.
"""

import logging
import secrets
import time
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
from fanlight_gateway.limits import Limits
from fanlight_gateway.streams.desk_channel import DeskChannel, DeskChannels
from fanlight_gateway.streams.fan_out import StreamHub
from fanlight_gateway.viewers.sampling import ViewerSample, picture_ages
from fanlight_gateway.viewers.transport import Transport
from fanlight_gateway.viewers.viewer_video import ViewerVideo

log = logging.getLogger(__name__)
ERROR_INTERVAL_S = 1.0
"""The viewer is told an error of one code at most once in this time, in seconds."""
IDR_INTERVAL_S = 0.3
"""A viewer's own requests for an IDR count at most once in this time, in seconds."""
ALIVE_INTERVAL_S = 1.0
"""Capture is told at most once in this time, in seconds, that a viewer in control is there."""
_ACK = bytes([binary.Ack.TYPE])
_AGE_UNKNOWN_MS = binary.Ack.AGE_UNKNOWN_MS

ViewerKey = tuple[str, str]
"""A desk, and the id that the viewer's page chose and keeps in its next connection."""
P = ParamSpec("P")


def _contained(
    method: Callable[Concatenate["Viewer", P], None],
) -> Callable[Concatenate["Viewer", P], None]:
    """Wrap a method that is called in a loop over all viewers, so that an error in it ends only
    this viewer."""

    def call(self: "Viewer", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - ends the viewer it is about
            self.failed(error)

    call.__doc__ = method.__doc__
    return call


class Viewer:
    """A viewer that has said hello, until `end`.

    An error that nobody foresaw ends this viewer (`failed`), and neither other viewers nor the
    gateway.
    """

    def __init__(
        self,
        hello: control.Hello,
        grant: Grant,
        record: bus.DeskRecord,
        transport: Transport,
        channels: DeskChannels,
        streams: StreamHub,
        limits: Limits,
        *,
        now_us: Callable[[], int] = clock.now_us,
    ) -> None:
        """Connect the viewer to its desk, and to a stream if it wants video.

        `now_us` is the clock that units are stamped with; the viewer learns it from pongs. If this
        raises, the viewer has left the desk again, and nothing of it stays behind.
        """
        self.grant = grant
        self.key: ViewerKey = (record.desk, hello.viewer)
        # By this id capture tells apart which connection holds which keys. The page's own id would
        # not do, because the page keeps it when it connects again.
        self.id = f"{hello.viewer}-{secrets.token_hex(4)}"
        self.desk = record.desk
        self.transport = transport
        self._bad_message_limit = limits.messages.bad_message_limit
        self._channels = channels
        self._now_us = now_us
        self._has_failed = False
        self._mailbox = Mailbox()
        self._video_enabled = hello.video_enabled and transport.carries_video
        self._keyframes_only = hello.keyframes_only
        self._lost_input = False
        """Was input refused, among which a key may have gone up?"""
        self._input_sequence = 0
        self._painted = (0, 0)
        """Epoch and sequence of the picture whose age was counted last."""
        self._bad_messages = 0
        now = clock.now_s()
        self._rate = TokenBucket(limits.messages.message_rate, limits.messages.message_burst, now)
        self._errors: dict[str, Throttle] = {}
        self._idr_requests = Throttle(IDR_INTERVAL_S)
        self._alive = Throttle(ALIVE_INTERVAL_S)
        self._video = ViewerVideo(
            self.id,
            self.desk,
            limits,
            streams,
            transport,
            on_state=self._on_video_state,
            flush=self.flush,
            failed=self.failed,
            now=now,
        )
        self._channel: DeskChannel = channels.join(record, self)
        try:
            if self._video_enabled:
                self._want()
            else:
                self._on_video_state("off", None)
        except BaseException:
            channels.leave(self._channel, self)
            raise

    def end(self) -> None:
        """Leave the stream and the desk, and release all keys, because the connection has ended."""
        self._video.want(False, False, clock.now_s())
        if self.grant.can_control:
            self._channel.tell(bus.ReleaseViewer(self.desk, self.id, "left"))
        self._channels.leave(self._channel, self)

    def close(self, code: CloseCode, reason: str) -> None:
        """End the viewer's connection, and tell it why."""
        self.transport.close(code, reason)

    def failed(self, error: Exception) -> None:
        """Log `error`, which something of this viewer raised, and close the connection. Only the
        first call counts."""
        if self._has_failed:
            return
        self._has_failed = True
        metrics.failed.inc()
        log.error("event=viewer_failed desk=%s viewer=%s", self.desk, self.id, exc_info=error)
        self.close(CloseCode.FAILED, "an error at the gateway; come back")

    # What the transport calls.

    def handle(self, message: bytes | str) -> None:
        """Handle a message from the viewer. Whatever it contains, it can harm only this viewer."""
        try:
            self._handle(message, clock.now_s())
        except Exception as error:  # noqa: BLE001 - ends the viewer it is about
            self.failed(error)

    def flush(self) -> None:
        """Send what waits while the transport is writable: first the mailbox, then video."""
        transport = self.transport
        try:
            while transport.is_writable:
                message = self._mailbox.next()
                if message is not None:
                    transport.send(message)
                    continue
                unit = self._video.take(clock.now_s())
                if unit is None:
                    return
                transport.send_unit(unit)
        except Exception as error:  # noqa: BLE001 - ends the viewer it is about
            self.failed(error)

    def take_pongs(self) -> list[bytes]:
        """Take the pongs out of the mailbox, for a transport that sends them by themselves."""
        return self._mailbox.take_pongs()

    # What the gateway's clock calls.

    @_contained
    def tick(self) -> None:
        """Look at the time. Called several times a second."""
        self._video.tick(clock.now_s())
        if time.time() >= self.grant.expires_at:
            self.close(CloseCode.UNAUTHORIZED, "token has expired")

    def sample(self) -> ViewerSample:
        """Return how the viewer's video is, for /metrics."""
        try:
            return self._video.sample(clock.now_s())
        except Exception as error:  # noqa: BLE001 - ends the viewer it is about
            self.failed(error)
            return ViewerSample(self.desk, "screenshots", 0.0, None)

    # What the desk's channel calls.

    @_contained
    def desk_changed(self, record: bus.DeskRecord) -> None:
        """Tell the viewer that the desk's state or size has changed."""
        state = control.DeskState(record.state, record.width, record.height)
        self._put("desk", state.encode())

    @_contained
    def event(self, kind: str, message: bytes | str) -> None:
        """Pass on a pointer's shape or position, or the clipboard.

        The clipboard goes only to viewers in control, because it may hold a password.
        """
        if kind != "clipboard" or self.grant.can_control:
            self._put(kind, message)

    # What the viewer's messages mean.

    def _handle(self, message: bytes | str, now: float) -> None:
        if not self._rate.take(now):
            metrics.refused.labels("too_fast").inc()
            self.close(CloseCode.TOO_FAST, "too many messages a second")
            return
        if len(message) > binary.MAX_VIEWER_MESSAGE_BYTES:
            metrics.refused.labels("too_large").inc()
            self.close(CloseCode.BAD_MESSAGE, "message too large")
            return
        try:
            if isinstance(message, str):
                self._on_control(control.decode_from_viewer(message))
            elif message[:1] == _ACK:  # first, because most messages are acknowledgements
                self._on_ack(*binary.Ack.fields(message), now)
            else:
                self._on_binary(binary.decode_from_viewer(message), message, now)
        except ProtocolError as error:
            # An unknown message counts as a bad one, too, because a page sends a new message only
            # if the gateway's Welcome says that the gateway knows it (decision 23).
            self._refuse("bad_message", str(error))
            self._bad_messages += 1
            if self._bad_messages >= self._bad_message_limit:
                self.close(CloseCode.BAD_MESSAGE, "too many bad messages")

    def _on_binary(self, message: binary.ViewerMessage, data: bytes, now: float) -> None:
        match message:
            case binary.Ping():
                pong = binary.Pong(message.id, message.viewer_us, self._now_us()).encode()
                if self.transport.is_writable:
                    self.transport.send(pong)
                else:
                    self._mailbox.pong(pong)
                if message.base_rtt_ms:
                    self._video.congestion.note_ping_rtt(message.base_rtt_ms / 1000, now)
                if self.grant.can_control and self._alive.allow(now):
                    self._channel.tell(bus.ViewerAlive(self.desk, self.id))
            case _:
                self._on_input(type(message).__name__, data)

    def _on_control(self, message: control.ViewerControl) -> None:
        match message:
            case control.Hello():
                raise ProtocolError("hello: only once")
            case control.SetVideoEnabled(enabled):
                self._video_enabled = enabled and self.transport.carries_video
                self._want()
            case control.SetKeyframesOnly(enabled):
                self._keyframes_only = enabled
                self._want()
            case control.FellBack(reason):
                metrics.fallbacks.labels(reason).inc()
                log.info("event=fell_back desk=%s viewer=%s reason=%s", self.desk, self.id, reason)
            case control.RequestIdr():
                self._on_request_idr()
            case control.SetFocus(focused):
                if not focused and self.grant.can_control:
                    self._channel.tell(bus.ReleaseViewer(self.desk, self.id, "blur"))
            case control.Clipboard(text):
                if self._may_control():
                    self._deliver(bus.SetClipboard(self.desk, self.id, text))

    def _on_input(self, kind: str, data: bytes) -> None:
        if not self._may_control():
            return
        if self._lost_input and self._channel.tell(bus.ReleaseViewer(self.desk, self.id, "lost")):
            self._lost_input = False
        sequence = self._input_sequence + 1
        if self._deliver(bus.Input(self.desk, self.id, sequence, data, self._now_us())):
            # The sequence counts only input that was sent, so a gap at capture means a loss.
            self._input_sequence = sequence
            metrics.input_messages.labels(kind).inc()
        else:
            # The lost input may have been a key that goes up. So capture releases all keys of this
            # viewer before it gets other input.
            self._lost_input = True

    def _want(self) -> None:
        self._video.want(self._video_enabled, self._keyframes_only, clock.now_s())

    def _on_ack(self, age_ms: int, epoch: int, received: int, painted: int, now: float) -> None:
        if painted and age_ms != _AGE_UNKNOWN_MS:
            if (epoch, painted) != self._painted:
                picture_ages.add(age_ms)
            self._painted = (epoch, painted)
        self._video.acked(epoch, received, painted, now)

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
        if self._channel.record.state == "live" and self._channel.tell(message):
            return True
        self._refuse("desk_away", "the desk is away; this went nowhere")
        return False

    def _refuse(self, code: str, message: str) -> None:
        metrics.refused.labels(code).inc()
        if self._errors.setdefault(code, Throttle(ERROR_INTERVAL_S)).allow(clock.now_s()):
            self._put(f"error {code}", control.Error(code, message).encode())

    def _put(self, kind: str, message: bytes | str) -> None:
        self._mailbox.put(kind, message)
        self.flush()
