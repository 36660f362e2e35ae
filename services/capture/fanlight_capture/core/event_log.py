"""The desk's numbered events: pointer shape, pointer position, clipboard.

Pure. Owns the count and the newest of each kind. Drops what says nothing new.
"""

from fanlight_common.protocol.binary import PointerPosition, PointerShape
from fanlight_common.protocol.bus import Event
from fanlight_common.protocol.control import Clipboard

Happening = PointerShape | PointerPosition | Clipboard


class EventLog:
    """What happened last, and the messages that tell it."""

    def __init__(self) -> None:
        self._sequence = 0
        self._newest: dict[type[Happening], Happening] = {}

    def note(self, happening: Happening) -> Event | None:
        """Something happened: the event to publish, or None where it is known already."""
        kind = type(happening)
        if self._newest.get(kind) == happening:
            return None
        self._newest[kind] = happening
        return self._event(happening)

    def again(self) -> tuple[Event, ...]:
        """The newest of each kind once more, for a new subscriber. The shape comes first."""
        kinds = (PointerShape, PointerPosition, Clipboard)
        return tuple(self._event(self._newest[kind]) for kind in kinds if kind in self._newest)

    def forget(self) -> None:
        """Nobody watches any more, what is known grows old. Numbers go on."""
        self._newest.clear()

    def _event(self, happening: Happening) -> Event:
        self._sequence += 1
        if isinstance(happening, Clipboard):
            return Event(self._sequence, b"", happening.encode())
        return Event(self._sequence, happening.encode(), "")
