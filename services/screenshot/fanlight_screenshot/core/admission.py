"""How many requests may wait, and how many pictures may be made, at a time.

Pure. It owns the counts. Each begin has to be followed by its end, whatever happens in between.
"""

from collections import Counter
from dataclasses import dataclass

from fanlight_common.core.errors import FanlightError

_DESK_PART = 125 / 128


class BusyError(FanlightError):
    """As many pictures are under way, or as many requests wait, as are allowed."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """The largest numbers at a time."""

    pending: int = 64
    """Pictures under way."""
    waiting: int = 4096
    """Requests that wait for a change."""
    waiting_desk: int | None = None
    """Requests that wait for one desk. None means nearly all that may wait: 4000 of 4096 are a
    thousand viewers with four requests each."""
    waiting_client: int = 8
    """Requests of one client that wait for one desk. A client without a name is not counted."""

    @property
    def of_one_desk(self) -> int:
        """Return how many requests may wait for one desk."""
        if self.waiting_desk is not None:
            return self.waiting_desk
        return max(1, int(self.waiting * _DESK_PART))


class Admission:
    """The counts of one process."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self._pending = 0
        self._waiting: Counter[tuple[str, ...]] = Counter()
        """How many requests wait: by (), by (desk,) and by (desk, client)."""

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""
        return self._waiting[()]

    def begin_wait(self, desk: str, client: str) -> None:
        """Count a request that waits. Raises BusyError, and counts nothing, if too many do."""
        places = self._places(desk, client)
        if any(self._waiting[place] >= limit for place, limit in places.items()):
            raise BusyError
        self._waiting.update(places.keys())

    def end_wait(self, desk: str, client: str) -> None:
        """No longer count a request that waited."""
        for place in self._places(desk, client):
            self._waiting[place] -= 1
            if not self._waiting[place]:
                del self._waiting[place]

    def begin_picture(self) -> None:
        """Count a picture. Raises BusyError, and counts nothing, if too many are under way."""
        if self._pending >= self._limits.pending:
            raise BusyError
        self._pending += 1

    def end_picture(self) -> None:
        """No longer count a picture."""
        self._pending -= 1

    def _places(self, desk: str, client: str) -> dict[tuple[str, ...], int]:
        places: dict[tuple[str, ...], int] = {
            (): self._limits.waiting,
            (desk,): self._limits.of_one_desk,
        }
        if client:
            places[desk, client] = self._limits.waiting_client
        return places
