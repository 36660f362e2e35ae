"""Whether anybody has room for another unit of a stream.

Pure. A gateway says so at each change and about once a second; its word counts for a while. With
none heard, there is room: a gateway that says nothing still gets pictures.
"""

MAX_GATEWAYS = 64
"""More than that on one stream is somebody inventing names; the oldest word is forgotten."""


class RoomPolicy:
    """Skip while every gateway that was heard of lately has no room."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._heard: dict[str, tuple[float, bool]] = {}

    def heard(self, gateway: str, room: bool, now: float) -> None:
        """What a gateway said."""
        self._heard.pop(gateway, None)
        self._heard[gateway] = (now, room)
        if len(self._heard) > MAX_GATEWAYS:
            del self._heard[next(iter(self._heard))]

    def has_room(self, now: float) -> bool:
        """Whether to encode."""
        self._heard = {
            gateway: (at, room)
            for gateway, (at, room) in self._heard.items()
            if now < at + self._timeout_s
        }
        return not self._heard or any(room for _, room in self._heard.values())

    def silent_at(self) -> float:
        """When the last of their words ceases to count, if nothing more is heard."""
        return max((at for at, _ in self._heard.values()), default=0.0) + self._timeout_s
