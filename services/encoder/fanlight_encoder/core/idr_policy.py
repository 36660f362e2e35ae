"""When the next unit has to be an IDR.

Pure. However many viewers ask, one IDR answers them all, and one that is asked for too soon after
the last is remembered, not lost. An IDR right after another is worse than none: with the buffer
spent, libx264 codes it at QP 50.
"""

import math


class IdrPolicy:
    """Requests in, due or not out. The first unit is always due to be one."""

    def __init__(self, interval_s: float, gop: int = 0) -> None:
        self._interval_s = interval_s
        self._gop = gop
        self._pending = True
        self._asked_why = "first"
        self.why = ""
        """The reason for the IDR that was made last."""
        self._last = -math.inf
        self._since = 0

    @property
    def pending(self) -> bool:
        """Somebody waits for one."""
        return self._pending

    @property
    def ready_at(self) -> float:
        """When one may be made, if it is wanted."""
        return self._last + self._interval_s

    def request(self, why: str = "asked") -> bool:
        """Somebody's gate is closed. False: that joins a request which was there already."""
        fresh = not self._pending
        if fresh:
            self._asked_why = why
        self._pending = True
        return fresh

    def due(self, now: float) -> bool:
        """Whether a unit made now for its own sake has to be an IDR."""
        if self._gop and self._since >= self._gop:
            return True
        return self.due_on_request(now)

    def due_on_request(self, now: float) -> bool:
        """Whether an IDR is owed now, even if the desk is idle."""
        return self._pending and now >= self.ready_at

    def unit_sent(self, now: float, idr: bool) -> None:
        """A unit went out. An IDR answers everyone who asked until now."""
        if idr:
            due_by_gop = self._gop and self._since >= self._gop
            self.why = self._asked_why if self._pending else "gop" if due_by_gop else "changed"
            self._pending, self._last, self._since = False, now, 0
        self._since += 1
