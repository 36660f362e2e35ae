"""Messages exactly once and in order, over requests that may be lost or come twice. Pure.

In both directions messages are numbered from 1. The sender keeps what is not acknowledged and sends
it again; the receiver takes each number once. Bounded: at so many unacknowledged messages nothing
more is added.
"""

from collections import deque
from collections.abc import Sequence

from fanlight_common.core.errors import ProtocolError

MAX_MESSAGES = 64
MAX_BYTES = 256 * 1024
"""Unacknowledged, at which there is no room for more; a single message may be larger."""

Message = bytes | str


class Outgoing:
    """The messages to one viewer."""

    def __init__(self) -> None:
        self.first = 1
        """The number of the oldest message that is not acknowledged."""
        self.messages: deque[Message] = deque()
        """The messages that are not acknowledged, `first` being the oldest."""
        self._bytes = 0

    def acknowledge(self, after: int) -> None:
        """The viewer has all up to `after`: forget them. An old number that comes late says
        nothing.

        Raises ProtocolError for a number that was never sent.
        """
        if after >= self.first + len(self.messages):
            raise ProtocolError(f"acknowledges {after}, which was never sent")
        while self.messages and self.first <= after:
            self._bytes -= len(self.messages.popleft())
            self.first += 1

    @property
    def has_room(self) -> bool:
        """May another message be added, with so many that are not acknowledged?"""
        return len(self.messages) < MAX_MESSAGES and self._bytes < MAX_BYTES

    def add(self, message: Message) -> None:
        """Give the message the next number, and keep it until it is acknowledged."""
        self.messages.append(message)
        self._bytes += len(message)


class Incoming:
    """The messages from one viewer."""

    def __init__(self) -> None:
        self.handled = 0
        """The newest number that was taken."""

    def accept(self, first: int, messages: Sequence[Message]) -> Sequence[Message]:
        """Those of `messages`, the first of which has number `first`, that were not taken before.

        They count as taken from now on. Raises ProtocolError, and takes nothing, where a message
        before `first` is missing.
        """
        if first < 1 or first > self.handled + 1:
            raise ProtocolError(f"message {first} after {self.handled}")
        fresh = messages[self.handled + 1 - first :]
        self.handled += len(fresh)
        return fresh
