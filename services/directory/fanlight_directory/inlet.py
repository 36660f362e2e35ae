"""What arrives at the directory's inlet, in batches; a message that is repeated is decoded once.

Lives on the worker's loop. Owns the decoded messages of the last seconds. Drops only data that is
not a message, and counts it. Most heartbeats repeat the one before byte for byte, so that there is
nothing to decode and nothing to check. At 4,800 heartbeats a second a directory would otherwise
spend its time on decoding them, and on waking up for each.
"""

import logging
from collections.abc import Callable
from typing import Any

import zmq

from fanlight_common.bus.inlet_messages import refused
from fanlight_common.bus.receiver import Receiver
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import clock, refusals
from fanlight_common.protocol import bus
from fanlight_directory.core.checks import without_unknown_streams

log = logging.getLogger(__name__)

PAUSE_S = 0.01
"""Messages that come sooner than this after the last look are taken together, because a directory
of thousands of processes would wake up for each. A directory of a few takes each at once."""
TURN_S = 2.0
"""A message that was not repeated for this time is forgotten."""


class DecodedMessages:
    """Decoded messages by their bytes: those of this turn (TURN_S) and of the one before."""

    def __init__(self) -> None:
        self._now: dict[bytes, bus.DirectoryInlet] = {}
        self._before: dict[bytes, bus.DirectoryInlet] = {}

    def decode(self, data: bytes) -> bus.DirectoryInlet:
        """Return the message; the same object for the same bytes. Raises ProtocolError."""
        message = self._now.get(data)
        if message is None:
            message = self._before.get(data) or _decode(data)
            self._now[data] = message
        return message

    def turn(self) -> None:
        """Forget what was not repeated since the last turn."""
        self._before, self._now = self._now, {}


def _decode(data: bytes) -> bus.DirectoryInlet:
    message = bus.decode_directory_inlet(data)
    if not isinstance(message, bus.Heartbeat):
        return message
    message, unknown = without_unknown_streams(message)
    for error in unknown:
        refusals.note(log, "heartbeat", error, message.id)
    return message


class InletReader:
    """Reads the inlet, and knows up to which moment it has read everything that was sent."""

    def __init__(
        self,
        inlet: zmq.Socket[Any],
        handle: Callable[[bus.DirectoryInlet], None],
        after_batch: Callable[[], None] = lambda: None,
    ) -> None:
        """`handle` is called with each message, `after_batch` after each batch of them."""
        self._receiver = Receiver(inlet, self._take, looked=self._looked)
        self._handle = handle
        self._after_batch = after_batch
        self._decoded = DecodedMessages()
        self._turn_at = 0.0
        self._looked_at = 0.0
        self._behind_since: float | None = None
        """Since when messages wait in the inlet, None if the last look took all of them."""

    def read_until(self, now: float) -> float:
        """Return the moment (clock.now_s) up to which everything that was sent has been read.

        `handle` got all that any process sent before that moment, so a process of which it got
        nothing was silent. Messages that were sent later may still wait in the inlet.
        """
        return now if self._behind_since is None else self._behind_since

    async def run(self) -> None:
        """Hand every message to `handle`, for ever. Raises what `handle` raises."""
        await self._receiver.run()

    def _looked(self, took_all: bool) -> None:
        now = clock.now_s()
        if took_all:
            self._behind_since = None
            if now - self._looked_at < PAUSE_S:
                self._receiver.pause(PAUSE_S)
        elif self._behind_since is None:
            self._behind_since = now
        self._looked_at = now
        if now >= self._turn_at:
            self._decoded.turn()
            self._turn_at = now + TURN_S
        self._after_batch()

    def _take(self, data: bytes) -> None:
        try:
            self._handle(self._decoded.decode(data))
        except ProtocolError as error:
            refused.labels("inlet").inc()
            refusals.note(log, "inlet", error)
