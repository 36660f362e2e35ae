"""Whether anybody has room for another unit of a stream, and at which rate.

Pure. A gateway says so at each change and about once a second; its word counts for a while. With
none heard, there is room: a gateway that says nothing still gets pictures.
"""

from typing import NamedTuple

MAX_GATEWAYS = 64
"""More than that on one stream is somebody inventing names; the oldest word is forgotten."""


class _Word(NamedTuple):
    at: float
    room: bool
    kbps: int
    in_band: bool


class RoomPolicy:
    """Skip while every gateway that was heard of lately has no room."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._heard: dict[str, _Word] = {}

    def report(
        self, gateway: str, room: bool, now: float, kbps: int = 0, in_band: bool = True
    ) -> None:
        """What a gateway said, see `bus.StreamDemand`."""
        self._heard.pop(gateway, None)
        self._heard[gateway] = _Word(now, room, kbps, in_band)
        if len(self._heard) > MAX_GATEWAYS:
            del self._heard[next(iter(self._heard))]

    def has_room(self, now: float) -> bool:
        """Whether to encode."""
        self._forget(now)
        return not self._heard or any(word.room for word in self._heard.values())

    def least_kbps(self, now: float) -> int | None:
        """The least rate in band, or of all where nobody is; None where nobody knows one."""
        self._forget(now)
        words = [word for word in self._heard.values() if word.kbps]
        able = [word for word in words if word.in_band]
        return min((word.kbps for word in able or words), default=None)

    def silent_at(self) -> float:
        """When the last of their words ceases to count, if nothing more is heard."""
        return max((word.at for word in self._heard.values()), default=0.0) + self._timeout_s

    def _forget(self, now: float) -> None:
        self._heard = {
            gateway: word
            for gateway, word in self._heard.items()
            if now < word.at + self._timeout_s
        }
