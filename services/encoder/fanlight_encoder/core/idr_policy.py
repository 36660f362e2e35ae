"""When the next unit has to be an IDR.

Pure; belongs to one stream. Owns the requests for IDRs, and drops none. However many viewers ask,
one IDR answers them all, and a request that comes too soon after the last IDR is kept until an IDR
may be made. An IDR right after another is worse than none: its buffer is spent, so libx264 codes it
at QP 50.

The state is whether an IDR is owed to somebody. The code runs by `TRANSITIONS`:

    state   a viewer asks   an IDR was sent   another unit was sent
    OWED    OWED            PAID              OWED
    PAID    OWED            PAID              PAID

It begins with OWED, because nobody can decode a stream that does not begin with an IDR. An IDR that
is owed is due from `ready_at` on. An IDR that the GOP asks for is due with the next unit and owed
to nobody, so it makes no unit on an idle desk.
"""

import math
from collections.abc import Mapping
from enum import Enum

IDR_INTERVAL_S = 0.25
"""The least seconds from one IDR to the next, however many are asked for."""


class IdrState(Enum):
    """See the table above."""

    OWED = "owed"
    PAID = "paid"


class IdrEvent(Enum):
    """What has happened."""

    ASKED = "asked"
    IDR_SENT = "idr sent"
    OTHER_SENT = "other sent"


TRANSITIONS: Mapping[tuple[IdrState, IdrEvent], IdrState] = {
    (IdrState.OWED, IdrEvent.ASKED): IdrState.OWED,
    (IdrState.OWED, IdrEvent.IDR_SENT): IdrState.PAID,
    (IdrState.OWED, IdrEvent.OTHER_SENT): IdrState.OWED,
    (IdrState.PAID, IdrEvent.ASKED): IdrState.OWED,
    (IdrState.PAID, IdrEvent.IDR_SENT): IdrState.PAID,
    (IdrState.PAID, IdrEvent.OTHER_SENT): IdrState.PAID,
}


class IdrPolicy:
    """Decides from the requests whether an IDR is due. The first unit is always to be one."""

    def __init__(self, interval_s: float = IDR_INTERVAL_S, gop: int = 0) -> None:
        """An IDR comes at least every `gop` units. 0 means only when one is asked for."""
        self._interval_s = interval_s
        self._gop = gop
        self._state = IdrState.OWED
        self._asked_reason = "first"
        self.reason = ""
        """The reason for the IDR that was sent last."""
        self._sent_at = -math.inf
        self._units_since = 0

    @property
    def pending(self) -> bool:
        """Whether somebody waits for an IDR."""
        return self._state is IdrState.OWED

    @property
    def ready_at(self) -> float:
        """From when on an IDR may be made, if one is wanted."""
        return self._sent_at + self._interval_s

    def request(self, reason: str = "asked") -> bool:
        """Note that a viewer needs an IDR. Returns False if an IDR is owed already."""
        fresh = not self.pending
        if fresh:
            self._asked_reason = reason
        self._follow(IdrEvent.ASKED)
        return fresh

    def due(self, now: float) -> bool:
        """Return whether the next unit has to be an IDR, if it is made now."""
        return self._due_by_gop or self.due_on_request(now)

    def due_on_request(self, now: float) -> bool:
        """Return whether an IDR is to be made now, even if the desk is idle."""
        return self.pending and now >= self.ready_at

    def unit_sent(self, now: float, idr: bool) -> None:
        """Note that a unit of video was sent. An IDR answers everyone who has asked until now."""
        if idr:
            self.reason = (
                self._asked_reason if self.pending else "gop" if self._due_by_gop else "changed"
            )
            self._sent_at, self._units_since = now, 0
        self._follow(IdrEvent.IDR_SENT if idr else IdrEvent.OTHER_SENT)
        self._units_since += 1

    @property
    def _due_by_gop(self) -> bool:
        return self._gop > 0 and self._units_since >= self._gop

    def _follow(self, event: IdrEvent) -> None:
        self._state = TRANSITIONS[self._state, event]
