"""What waits to be sent to one viewer, other than video: small, and always before video. Pure.

Bounded by construction: of each kind (a pointer position, a desk's state, an error's code) only the
newest is kept, and of pongs the last few. Kinds go out in the order in which they were first put.
"""

from collections import deque

MAX_PONGS = 16
"""A viewer measures with one ping at a time; older answers would measure only the wait."""


class Mailbox:
    """One viewer's."""

    def __init__(self) -> None:
        self._pongs: deque[bytes] = deque(maxlen=MAX_PONGS)
        self._newest: dict[str, bytes | str] = {}

    def pong(self, message: bytes) -> None:
        """The answer to a ping goes first of all."""
        self._pongs.append(message)

    def take_pongs(self) -> list[bytes]:
        """Take all that wait, for whoever sends them apart."""
        pongs = list(self._pongs)
        self._pongs.clear()
        return pongs

    def put(self, kind: str, message: bytes | str) -> None:
        """Send `message` instead of what waits of its kind."""
        self._newest[kind] = message

    def next(self) -> bytes | str | None:
        """Take the next message; None: nothing waits."""
        if self._pongs:
            return self._pongs.popleft()
        if self._newest:
            return self._newest.pop(next(iter(self._newest)))
        return None
