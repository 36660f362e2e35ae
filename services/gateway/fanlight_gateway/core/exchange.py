"""Delivers messages exactly once and in order, over requests that may be lost or come twice. Pure.

In both directions messages are numbered from 1. The sender keeps what is not acknowledged and sends
it again; the receiver takes each number once. Memory is bounded: while MAX_MESSAGES or MAX_BYTES
are not acknowledged, the owner adds nothing more.
"""

from collections import deque
from collections.abc import Sequence

from fanlight_common.core.errors import ProtocolError

MAX_MESSAGES = 64
MAX_BYTES = 256 * 1024
"""With this many unacknowledged bytes there is no room for more. A single message may be larger."""

NumberedMessage = bytes | str


class Outgoing:
    """The messages to one viewer."""

    def __init__(self) -> None:
        self.first = 1
        """The number of the oldest message that is not acknowledged."""
        self.messages: deque[NumberedMessage] = deque()
        """The messages that are not acknowledged, `first` being the oldest."""
        self._bytes = 0

    def acknowledge(self, after: int) -> None:
        """Forget all messages up to number `after`, because the viewer has them.

        An old number that comes late changes nothing. Raises ProtocolError, and forgets nothing, if
        no message of this number was sent.
        """
        if after >= self.first + len(self.messages):
            raise ProtocolError(f"acknowledges {after}, which was never sent")
        while self.messages and self.first <= after:
            self._bytes -= len(self.messages.popleft())
            self.first += 1

    @property
    def has_room(self) -> bool:
        """May another message be added? False while too many are not acknowledged."""
        return len(self.messages) < MAX_MESSAGES and self._bytes < MAX_BYTES

    def add(self, message: NumberedMessage) -> None:
        """Give the message the next number, and keep it until it is acknowledged."""
        self.messages.append(message)
        self._bytes += len(message)


class Incoming:
    """The messages from one viewer."""

    def __init__(self) -> None:
        self.handled = 0
        """The newest number that was taken."""

    def accept(self, first: int, messages: Sequence[NumberedMessage]) -> Sequence[NumberedMessage]:
        """Return those of `messages` that were not taken before, and count them as taken.

        The first of `messages` has the number `first`. Raises ProtocolError, and takes nothing, if
        a message before `first` is missing.
        """
        if first < 1 or first > self.handled + 1:
            raise ProtocolError(f"message {first} after {self.handled}")
        fresh = messages[self.handled + 1 - first :]
        self.handled += len(fresh)
        return fresh
