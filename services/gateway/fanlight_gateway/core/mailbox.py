"""The messages, other than video, that wait to be sent to one viewer. They go before video. Pure.

Memory is bounded: of each kind (a pointer position, a desk's state, an error's code) only the
newest message is kept, and of pongs the last few. The others are dropped. Kinds are sent in the
order in which they were first put.
"""

from collections import deque

MAX_PONGS = 16
"""A viewer measures with one ping at a time. Older answers would measure only how long they
waited here."""


class Mailbox:
    """The waiting messages of one viewer."""

    def __init__(self) -> None:
        self._pongs: deque[bytes] = deque(maxlen=MAX_PONGS)
        self._newest: dict[str, bytes | str] = {}

    def pong(self, message: bytes) -> None:
        """Add the answer to a ping, which is sent before everything else."""
        self._pongs.append(message)

    def take_pongs(self) -> list[bytes]:
        """Take all pongs, for a transport that sends them by themselves."""
        pongs = list(self._pongs)
        self._pongs.clear()
        return pongs

    def put(self, kind: str, message: bytes | str) -> None:
        """Add `message`, in place of the message of its kind that waits."""
        self._newest[kind] = message

    def next(self) -> bytes | str | None:
        """Take the message that is to be sent next. Returns None if nothing waits."""
        if self._pongs:
            return self._pongs.popleft()
        if self._newest:
            return self._newest.pop(next(iter(self._newest)))
        return None
