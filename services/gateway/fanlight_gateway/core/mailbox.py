"""The messages that wait to be sent to one viewer, other than video, which they precede. Pure.

Bounded: of each kind (a pointer position, a desk's state, an error's code) only the newest message
is kept, and of pongs the last few. Kinds are sent in the order in which they were first put.
"""

from collections import deque

MAX_PONGS = 16
"""A viewer measures with one ping at a time; older answers would measure only the wait."""


class Mailbox:
    """One viewer's waiting messages."""

    def __init__(self) -> None:
        self._pongs: deque[bytes] = deque(maxlen=MAX_PONGS)
        self._newest: dict[str, bytes | str] = {}

    def pong(self, message: bytes) -> None:
        """Add the answer to a ping, which is sent before everything else."""
        self._pongs.append(message)

    def take_pongs(self) -> list[bytes]:
        """Take all pongs, for a transport that sends them apart."""
        pongs = list(self._pongs)
        self._pongs.clear()
        return pongs

    def put(self, kind: str, message: bytes | str) -> None:
        """Add `message`, in place of the one of its kind that waits."""
        self._newest[kind] = message

    def next(self) -> bytes | str | None:
        """Take the message that is sent next; None: nothing waits."""
        if self._pongs:
            return self._pongs.popleft()
        if self._newest:
            return self._newest.pop(next(iter(self._newest)))
        return None
