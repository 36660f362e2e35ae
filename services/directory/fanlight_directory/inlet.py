"""What arrives at the directory's inlet, in batches, decoded once for as long as it is repeated.

Lives on the worker's loop. Drops nothing but what is no message. Most heartbeats say what the one
before said, byte for byte, and then there is nothing to decode and nothing to check: at 4,800 a
second it is that, and waking up for each of them, that a directory spends its time on.
"""

import logging
from collections.abc import Callable
from typing import Any

import zmq

from fanlight_common.bus.receiver import Receiver
from fanlight_common.core.errors import ProtocolError
from fanlight_common.process import clock, refusals
from fanlight_common.process.worker import refused
from fanlight_common.protocol import bus
from fanlight_directory.core.checks import known_streams

log = logging.getLogger(__name__)

PAUSE_S = 0.01
"""Where messages come faster than this one after the other, those of so long are taken together:
a directory of thousands would wake for each. One of a few hears each at once, and wakes once."""
TURN_S = 2.0


class Repeats:
    """Decoded messages by their bytes: those of this turn and of the one before."""

    def __init__(self) -> None:
        self._now: dict[bytes, bus.DirectoryInlet] = {}
        self._before: dict[bytes, bus.DirectoryInlet] = {}

    def decode(self, data: bytes) -> bus.DirectoryInlet:
        """The message; the very same object for the same bytes. Raises ProtocolError."""
        message = self._now.get(data)
        if message is None:
            message = self._before.get(data) or _decode(data)
            self._now[data] = message
        return message

    def turn(self) -> None:
        """Forget what was not said since the last turn."""
        self._before, self._now = self._now, {}


def _decode(data: bytes) -> bus.DirectoryInlet:
    message = bus.decode_directory_inlet(data)
    if not isinstance(message, bus.Heartbeat):
        return message
    message, unknown = known_streams(message)
    for error in unknown:
        refusals.note(log, "heartbeat", error, message.id)
    return message


class Hearing:
    """The inlet, and up to when everything that was said has been heard."""

    def __init__(
        self,
        inlet: zmq.Socket[Any],
        handle: Callable[[bus.DirectoryInlet], None],
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        """`heard` is called after each batch."""
        self._receiver = Receiver(inlet, self._take, looked=self._looked)
        self._handle = handle
        self._heard = heard
        self._repeats = Repeats()
        self._turn_at = 0.0
        self._looked_at = 0.0
        self._behind_since: float | None = None

    def heard_until(self, now: float) -> float:
        """Whoever was silent until then was silent; what came later may still wait here."""
        return now if self._behind_since is None else self._behind_since

    async def run(self) -> None:
        """Hand every message to `handle`, for ever. What is no message is counted."""
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
            self._repeats.turn()
            self._turn_at = now + TURN_S
        self._heard()

    def _take(self, data: bytes) -> None:
        try:
            self._handle(self._repeats.decode(data))
        except ProtocolError as error:
            refused.labels("inlet").inc()
            refusals.note(log, "inlet", error)
