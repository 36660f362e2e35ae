"""Input of all viewers into one desk, in order.

Lives on the worker's loop. Owns who holds what, the parts of wheel clicks, the queue that forms
while a text is being typed (nothing overtakes the text), how many inputs were injected, and which
of them are to be acknowledged. Drops data that is not an input message (counted), downs that are
neither a press nor a fresh repetition (counted), ups of keys that are not held, texts if more than
MAX_QUEUED_TEXT_BYTES of them wait (counted), and everything while the desk has no display. An input
that the last two rules drop, or that is lost with the display, gets no acknowledgement.

A test holds the table and the code together:

    state   event   state after  what is done
    AWAY    attach  READY        nothing
    AWAY    text    AWAY         it is dropped
    AWAY    other   AWAY         it is dropped
    READY   text    TYPING       its typing begins
    READY   other   READY        it is done at once
    READY   detach  AWAY         what is held is released
    TYPING  text    TYPING       it waits
    TYPING  other   TYPING       it waits
    TYPING  typed   READY        what has waited is done, in order
    TYPING  detach  AWAY         what is held is released, what waits is dropped

- text: a message with text to type. other: any other message of a viewer.
- typed: the text is at its end, or has failed. A text among what has waited makes it TYPING again,
  and what came after that text waits on.
- attach, detach: the desk has a display now, or none.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from enum import Enum

from fanlight_capture import metrics
from fanlight_capture.core.held_keys import (
    DEFAULT_LIMITS,
    Control,
    ControlKind,
    HeldKeyLimits,
    HeldKeys,
    PressEffect,
)
from fanlight_capture.core.positions import to_pixel
from fanlight_capture.core.sequences import SequenceTracker
from fanlight_capture.core.wheel import WheelAccumulator
from fanlight_capture.source import Source
from fanlight_common.bus.inlet_messages import refused
from fanlight_common.core.errors import FanlightError, ProtocolError
from fanlight_common.process import refusals
from fanlight_common.process.tasks import spawn
from fanlight_common.protocol import input
from fanlight_common.protocol.bus import Input, InputAck, ReleaseViewer, SetClipboard
from fanlight_common.protocol.control import MAX_CLIPBOARD_CHARS

log = logging.getLogger(__name__)

Ordered = Input | ReleaseViewer | SetClipboard
MAX_QUEUED_TEXT_BYTES = 32 * 1024
"""The most bytes of all texts that wait. A text is typed at a hundred characters a second in the
worst case, and all input after it waits."""
TYPING_LOOK_S = 0.25
"""While a text is typed, the caller of `release_silent` calls again after so many seconds."""


class RouterState(Enum):
    """What becomes of a message; see the table above."""

    AWAY = "away"
    READY = "ready"
    TYPING = "typing"


class InputRouter:
    """Injects the input of all viewers. It has a source between `attach` and `detach`."""

    def __init__(
        self,
        limits: HeldKeyLimits = DEFAULT_LIMITS,
        acknowledge: Callable[[InputAck], None] = lambda _: None,
    ) -> None:
        self._held = HeldKeys(limits)
        self._sequences = SequenceTracker()
        self._wheels: dict[str, WheelAccumulator] = {}
        self._source: Source | None = None
        self._typing: asyncio.Task[None] | None = None
        self._queue: deque[Ordered] = deque()
        self._queued_text_bytes = 0
        self._now = 0.0
        self.injected = 0
        """How many inputs were injected since the process began. A text counts at its end."""
        self._acknowledge = acknowledge
        self._unacknowledged: list[InputAck] = []
        """Acknowledgements of inputs that the display may not have taken yet."""
        self._acknowledging: asyncio.Task[None] | None = None
        self.holding = asyncio.Event()
        """Set while any viewer holds anything, which is when `release_silent` has to be called."""

    @property
    def state(self) -> RouterState:
        """Its state in the table."""
        if self._source is None:
            return RouterState.AWAY
        return RouterState.READY if self._typing is None else RouterState.TYPING

    def attach(self, source: Source) -> None:
        """Inject into this source from now on."""
        self._source = source

    async def detach(self, reason: str) -> None:
        """Release all that is held, and drop all input from now on.

        A text that is being typed is cut off, and the input that waits behind it is dropped.
        """
        if self._typing is not None:
            self._typing.cancel()
            # This is not `await self._typing`, because a CancelledError of the task could not be
            # told from one of our own.
            await asyncio.wait({self._typing})
            self._typing = None
        if self._acknowledging is not None:
            self._acknowledging.cancel()
            self._acknowledging = None
        self._unacknowledged.clear()
        self._queue.clear()
        self._queued_text_bytes = 0
        for viewer in self._held.viewers():
            self._release(viewer, reason)
        self._held.clear()
        self._wheels.clear()
        self.holding.clear()
        self._source = None

    def handle(self, message: Ordered, now: float) -> None:
        """Do what one message says, at once or after the text that is being typed.

        `now` is in monotonic seconds.
        """
        self._now = now
        if isinstance(message, Input):
            self._held.heard(message.viewer, now)
            self._count(message)
        if self.state is not RouterState.TYPING:
            self._do(message)
        elif self._text_bytes(message) + self._queued_text_bytes > MAX_QUEUED_TEXT_BYTES:
            metrics.inputs_ignored.labels("text_backlog").inc()
        else:
            self._queue.append(message)
            self._queued_text_bytes += self._text_bytes(message)

    def heard(self, viewer: str, now: float) -> None:
        """Note that a viewer is there, although it has sent no input."""
        self._held.heard(viewer, now)

    def release_silent(self, now: float) -> float | None:
        """Release what silent viewers hold. Returns the seconds until the next call is due.

        Returns None while nobody holds anything; `holding` is clear then.
        """
        if self.state is RouterState.TYPING:
            # A text that is typed releases held modifiers and presses them again at its end. If one
            # were released here meanwhile, it would stay pressed afterwards, and nobody would hold
            # it.
            return TYPING_LOOK_S
        for viewer in self._held.silent(now):
            log.info("event=release viewer=%s reason=silence", viewer)
            self._release(viewer, "silence")
        wait_s = self._held.next_silence_in(now)
        if wait_s is None:
            self.holding.clear()
        return wait_s

    @staticmethod
    def _text_bytes(message: Ordered) -> int:
        if isinstance(message, Input) and message.message[:1] == bytes((input.Text.TYPE,)):
            return len(message.message)
        return 0

    def _count(self, message: Input) -> None:
        missing = self._sequences.missing(message.viewer, message.sequence)
        if missing:
            metrics.input_gaps.inc(missing)
            log.warning("event=input_gap viewer=%s missing=%d", message.viewer, missing)

    def _do(self, message: Ordered) -> None:
        if self._source is None:
            metrics.inputs_ignored.labels("no_display").inc()
            return
        match message:
            case Input():
                try:
                    self._inject(self._source, message, input.decode_input(message.message))
                except ProtocolError as error:
                    refused.labels("input").inc()
                    refusals.note(log, "input", error)
            case ReleaseViewer():
                self._release(message.viewer, message.reason)
            case SetClipboard():
                if not self._source.capabilities.clipboard:
                    metrics.clipboard_refused.labels("unsupported").inc()
                elif len(message.text) > MAX_CLIPBOARD_CHARS:
                    metrics.clipboard_refused.labels("too_large").inc()
                else:
                    self._source.set_clipboard(message.text)

    def _inject(self, source: Source, order: Input, message: input.InputMessage) -> None:
        sink, viewer = source.sink, order.viewer
        metrics.inputs.labels(type(message).__name__).inc()
        match message:
            case input.Key(down, usage):
                self._switch(viewer, Control(ControlKind.KEY, usage), down)
            case input.PointerMove(x, y):
                sink.move(to_pixel(x, source.width), to_pixel(y, source.height))
            case input.PointerMoveRelative(dx, dy):
                sink.move_relative(dx, dy)
            case input.PointerButton(down, button, position):
                self._place(source, position)
                self._switch(viewer, Control(ControlKind.BUTTON, button), down)
            case input.Wheel(dx, dy, position):
                self._place(source, position)
                right, below = self._wheels.setdefault(viewer, WheelAccumulator()).turn(dx, dy)
                if right or below:
                    sink.wheel(right, below)
            case input.Text(text):
                self._typing = spawn(self._type(source, order, text))
                return
        self._injected(source, order)

    def _injected(self, source: Source, order: Input) -> None:
        self.injected += 1
        if order.wants_ack:
            ack = InputAck(order.viewer, order.sequence, self.injected)
            self._unacknowledged.append(ack)
            if self._acknowledging is None:
                self._acknowledging = spawn(self._acknowledge_taken(source))

    async def _acknowledge_taken(self, source: Source) -> None:
        """Ask the display whether it has taken what was injected, and acknowledge it.

        One question covers all inputs that were injected before it. This ends when no more inputs
        are to be acknowledged.
        """
        while self._unacknowledged:
            asked, self._unacknowledged = self._unacknowledged, []
            try:
                await source.sink.taken()
            except FanlightError:
                break  # the service detaches a lost display, which drops the rest
            for ack in asked:
                self._acknowledge(ack)
        self._acknowledging = None

    def _place(self, source: Source, position: tuple[int, int] | None) -> None:
        if position is not None:
            x, y = position
            source.sink.move(to_pixel(x, source.width), to_pixel(y, source.height))

    def _switch(self, viewer: str, control: Control, down: bool) -> None:
        if down:
            match self._held.press(viewer, control, self._now):
                case PressEffect.PRESS:
                    self._turn(control, True)
                case PressEffect.REPEAT:
                    assert self._source is not None
                    self._source.sink.repeat(control.number)
                case PressEffect.NOTHING:
                    metrics.inputs_ignored.labels("held_already").inc()
            self.holding.set()
        elif self._held.release(viewer, control):
            self._turn(control, False)

    def _turn(self, control: Control, down: bool) -> None:
        assert self._source is not None
        if control.kind is ControlKind.KEY:
            self._source.sink.key(control.number, down)
        else:
            self._source.sink.button(control.number, down)

    def _release(self, viewer: str, reason: str) -> None:
        self._wheels.pop(viewer, None)
        for control in self._held.release_viewer(viewer):
            metrics.releases.labels(reason if reason in _REASONS else "other").inc()
            self._turn(control, False)

    async def _type(self, source: Source, order: Input, text: str) -> None:
        try:
            await source.sink.type_text(text)
        except FanlightError as error:
            # The source has told its listener of the loss, and the listener deals with it.
            log.info("event=text_lost reason=%r", str(error))
        else:
            self._injected(source, order)
        self._typing = None
        while self._queue and self.state is RouterState.READY:
            message = self._queue.popleft()
            self._queued_text_bytes -= self._text_bytes(message)
            self._do(message)


_REASONS = frozenset({"left", "blur", "silence", "lost", "stop", "display"})
"""The reasons that become metric labels. All others count as `other`, because a peer could make any
number of labels otherwise."""
