"""The desk's numbered events: pointer shape, pointer position, clipboard.

Pure. Owns the number of the newest event and the newest event of each kind. Drops what equals the
newest of its kind.
"""

from fanlight_common.protocol.binary import PointerPosition, PointerShape
from fanlight_common.protocol.bus import Event
from fanlight_common.protocol.control import Clipboard

EventBody = PointerShape | PointerPosition | Clipboard
"""What an event can tell."""


class EventLog:
    """The newest event of each kind, and the messages that tell them."""

    def __init__(self) -> None:
        self._sequence = 0
        self._newest: dict[type[EventBody], EventBody] = {}

    def note(self, body: EventBody) -> Event | None:
        """Keep what an event tells. Returns the event to publish, None if it tells nothing new."""
        kind = type(body)
        if self._newest.get(kind) == body:
            return None
        self._newest[kind] = body
        return self._event(body)

    def again(self) -> tuple[Event, ...]:
        """Return the newest of each kind under new numbers, for a new subscriber. Shape first."""
        kinds = (PointerShape, PointerPosition, Clipboard)
        return tuple(self._event(self._newest[kind]) for kind in kinds if kind in self._newest)

    def forget(self) -> None:
        """Forget all events, because they may be out of date by now. The numbers go on."""
        self._newest.clear()

    def _event(self, body: EventBody) -> Event:
        self._sequence += 1
        if isinstance(body, Clipboard):
            return Event(self._sequence, b"", body.encode())
        return Event(self._sequence, body.encode(), "")
