"""What to do next with a stream: encode the newest frame, the last picture again, or wait.

Pure. This is where frames are dropped before encoding, which costs nothing: a newer frame replaces
one that was not encoded, and none is encoded while nobody has room. The newest is never lost: it is
encoded as soon as there is room again.
"""

import math
from dataclasses import dataclass

from fanlight_encoder.budget import Budget
from fanlight_encoder.idr import IdrPolicy
from fanlight_encoder.pace import Pacer
from fanlight_encoder.refine import Refinement
from fanlight_encoder.room import RoomPolicy

KEYFRAME_INTERVAL_S = 1.0
"""The `keyframes` rendition: one picture a second, whether or not anything changed."""
IDR_CREDIT_S = 0.05
"""An IDR waits until the link could carry so much of it at once."""
RETRY_S = 1.0
"""How long a stream rests after its codec failed with no other to fall back to."""


@dataclass(frozen=True, slots=True)
class Encode:
    """Encode now. `fresh`: the newest frame; otherwise the last picture again."""

    fresh: bool
    idr: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until something happens, or until this moment."""

    until: float | None
    no_room: bool = False


class Schedule:
    """The state of one stream between two units."""

    def __init__(
        self,
        *,
        idr: IdrPolicy,
        room: RoomPolicy,
        budget: Budget,
        refinement: Refinement,
        pacer: Pacer,
        keyframes_only: bool = False,
    ) -> None:
        self.idr = idr
        self.room = room
        self.budget = budget
        self.least_bytes = 0
        """With less than this a picture is not worth encoding."""
        self._refinement = refinement
        self._pacer = pacer
        self._keyframes_only = keyframes_only
        self._waiting = False
        """A frame is there that was not encoded."""
        self._picture = False
        """There is a last picture, to be encoded again."""
        self._keyframe_at = -math.inf
        self._rest_until = 0.0

    def frame_came(self) -> bool:
        """A newer frame is there. False: one that was not encoded is replaced by it."""
        replaced = self._waiting
        self._waiting = True
        return not replaced

    def next(self, now: float) -> Encode | Wait:
        """What to do at `now`."""
        if not (self._waiting or self._picture):
            return Wait(None)
        if now < self._rest_until:
            return Wait(self._rest_until)
        if not self.room.has_room(now):
            return Wait(self.room.silent_at(), no_room=True)
        if self._keyframes_only:
            return self._next_keyframe(now)
        if self._waiting:
            idr = self.idr.due(now)
            due_at = max(self._pacer.due_at, self._paid_at(idr=idr))
            return Wait(due_at) if now < due_at else Encode(fresh=True, idr=idr)
        return self._next_again(now)

    def _next_keyframe(self, now: float) -> Encode | Wait:
        if now >= self._keyframe_at or self.idr.due_on_request(now):
            return Encode(fresh=self._waiting, idr=True)
        wanted = self.idr.ready_at if self.idr.pending else self._keyframe_at
        return Wait(min(wanted, self._keyframe_at))

    def _next_again(self, now: float) -> Encode | Wait:
        moments = []
        if self.idr.pending:
            # Not one that the GOP is due: each IDR begins refinement anew, and it would never end.
            moments.append((max(self.idr.ready_at, self._paid_at(idr=True)), True))
        if self._refinement.due_at is not None:
            moments.append((max(self._refinement.due_at, self._paid_at(idr=False)), False))
        if not moments:
            return Wait(None)
        at, idr = min(moments)
        return Wait(at) if now < at else Encode(fresh=False, idr=idr)

    def _paid_at(self, *, idr: bool) -> float:
        """When the link has carried enough of what was sent to be sent more."""
        least = self.budget.of(IDR_CREDIT_S) if idr else 0
        return self.budget.ready_at(max(least, self.least_bytes))

    def begin(self, decision: Encode) -> None:
        """It is being done. A frame that comes from now on is a newer one."""
        if decision.fresh:
            self._waiting = False

    def encoded(
        self, decision: Encode, now: float, *, idr: bool, qp: float | None, size_bytes: int
    ) -> None:
        """A unit came of it."""
        self._picture = True
        self.budget.spend(size_bytes, now)
        self._pacer.made(now)
        self.idr.made(now, idr)
        # From when it was due, not from when it was done: one a second stays one a second.
        in_time = 0 <= now - self._keyframe_at < KEYFRAME_INTERVAL_S
        self._keyframe_at = (self._keyframe_at if in_time else now) + KEYFRAME_INTERVAL_S
        if decision.fresh or idr:
            self._refinement.moved(now)
        else:
            self._refinement.made(now, qp)

    def failed(self, now: float) -> None:
        """The codec failed on a picture that is still there: once more, after a rest."""
        self._picture = True
        self._rest_until = now + RETRY_S
        self.idr.request()
