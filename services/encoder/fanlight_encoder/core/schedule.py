"""What to do next with a stream: the newest frame, the last picture again, make it sharper, wait.

Pure. This is where frames are dropped before encoding, which costs nothing: a newer frame replaces
one that was not encoded, and none is encoded while nobody has room, or while the link still carries
what was sent. The newest is never lost: it is encoded as soon as there is room again.
"""

import math
from dataclasses import dataclass

from fanlight_common.core.budget import Budget
from fanlight_encoder.core.idr_policy import IdrPolicy
from fanlight_encoder.core.motion import Motion
from fanlight_encoder.core.pacer import Pacer
from fanlight_encoder.core.room import RoomPolicy
from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS, Kind, Made, UnitLimits

KEYFRAME_INTERVAL_S = 1.0
"""The `keyframes` rendition: one picture a second, whether or not anything changed."""
RETRY_S = 1.0
"""How long a stream rests after its codec failed with no other to fall back to."""


@dataclass(frozen=True, slots=True)
class Encode:
    """Encode now. `fresh`: the newest frame; otherwise the last picture again, as video."""

    fresh: bool
    idr: bool
    may_patch: bool = False


@dataclass(frozen=True, slots=True)
class Refine:
    """Send something that viewers see blurry as it is."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until something happens, or until this moment."""

    until: float | None
    no_room: bool = False


Decision = Encode | Refine | Wait


class Schedule:
    """The state of one stream between two units."""

    def __init__(
        self,
        *,
        idr: IdrPolicy,
        room: RoomPolicy,
        budget: Budget,
        motion: Motion,
        pacer: Pacer,
        keyframes_only: bool = False,
        limits: UnitLimits = DEFAULT_LIMITS,
    ) -> None:
        self.idr = idr
        self.room = room
        self.budget = budget
        self.least_bytes = 0
        """With less than this a picture is not worth encoding."""
        self._limits = limits
        self._motion = motion
        self._pacer = pacer
        self._keyframes_only = keyframes_only
        self._waiting = False
        """A frame is there that was not encoded."""
        self._picture = False
        """There is a last picture, to be encoded again."""
        self._blurry = False
        self._refine_at = 0.0
        self._since_refined = 0
        self._keyframe_at = -math.inf
        self._rest_until = 0.0

    def frame_came(self) -> bool:
        """A newer frame is there. False: one that was not encoded is replaced by it."""
        replaced = self._waiting
        self._waiting = True
        return not replaced

    def next(self, now: float) -> Decision:
        """What to do at `now`."""
        if not (self._waiting or self._picture):
            return Wait(None)
        if now < self._rest_until:
            return Wait(self._rest_until)
        if not self.room.has_room(now):
            return Wait(self.room.silent_at(), no_room=True)
        if self._keyframes_only:
            return self._next_keyframe(now)
        # The first that is due; of several, the first in this order.
        moments = self._moments(now)
        for at, decision in moments:
            if now >= at:
                return decision
        return Wait(min((at for at, _ in moments), default=None))

    def _next_keyframe(self, now: float) -> Decision:
        if now >= self._keyframe_at or self.idr.due_on_request(now):
            return Encode(fresh=self._waiting, idr=True)
        wanted = self.idr.ready_at if self.idr.pending else self._keyframe_at
        return Wait(min(wanted, self._keyframe_at))

    def _moments(self, now: float) -> list[tuple[float, Decision]]:
        motion, moments = self._motion, list[tuple[float, Decision]]()
        # Somebody waits for an IDR, and nothing else may spend what it needs.
        owed = self.idr.due_on_request(now)
        thin = self.budget.kbps < self._limits.spare_repeats_kbps
        spare_at = motion.spare_at if thin else None
        refining = self._blurry and motion.may_patch and not owed and spare_at is None
        if self._waiting and not (motion.hurried and not self.idr.pending):
            if refining and self._since_refined >= self._limits.refine_turn:
                moments.append((max(self._refine_at, self.budget.ready_at(0)), Refine()))
            idr = self.idr.due(now)
            patch = motion.may_patch and not idr
            paid_at = self.budget.ready_at(0) if patch else self._paid_at(idr=idr)
            due_at = max(self._pacer.due_at, paid_at)
            moments.append((due_at, Encode(fresh=True, idr=idr, may_patch=patch)))
        else:
            if self.idr.pending:
                # Not one that the GOP is due: each IDR begins repeats anew, without an end.
                at = max(self.idr.ready_at, self._paid_at(idr=True))
                moments.append((at, Encode(fresh=False, idr=True)))
            repeat_at = motion.due_at if motion.due_at is not None else spare_at
            if repeat_at is not None and not owed:
                at = max(now if motion.hurried else repeat_at, self._paid_at(idr=False))
                moments.append((at, Encode(fresh=False, idr=False)))
        if refining:
            credit = min(self.budget.of(self._limits.refine_ms / 1000), self._limits.refine_bytes)
            moments.append((max(self._refine_at, self.budget.ready_at(credit)), Refine()))
        return moments

    def _paid_at(self, *, idr: bool) -> float:
        """When the link has carried enough of what was sent to be sent a picture."""
        least = self.budget.of(self._limits.idr_credit_ms / 1000) if idr else 0
        return self.budget.ready_at(max(least, self.least_bytes))

    def begin(self, decision: Encode | Refine) -> None:
        """It is being done. A frame that comes from now on is a newer one."""
        if isinstance(decision, Encode) and decision.fresh:
            self._waiting = False

    def made(self, decision: Encode | Refine, made: Made, now: float) -> None:
        """This came of it."""
        self._blurry = made.blurry
        self.budget.spend(len(made.payload), now)
        self._refine_at = max(self._refine_at, now + self._limits.refine_pause_ms / 1000)
        if isinstance(decision, Refine):
            self._since_refined = 0
            return
        self._picture = True
        self._pacer.made(now)
        if made.kind is Kind.NOTHING:
            return
        if made.kind is Kind.PATCH:
            self._since_refined += 1
            self._motion.patched()
            return
        idr = made.kind is Kind.IDR
        self.idr.made(now, idr)
        # From when it was due, not from when it was done: one a second stays one a second.
        in_time = 0 <= now - self._keyframe_at < KEYFRAME_INTERVAL_S
        self._keyframe_at = (self._keyframe_at if in_time else now) + KEYFRAME_INTERVAL_S
        if decision.fresh or idr:
            self._refine_at = now + self._limits.refine_after_ms / 1000
            self._motion.video(now, calm=made.calm or not decision.fresh, refused=made.refused)
        else:
            self._motion.repeated(now)

    def failed(self, now: float) -> None:
        """The codec failed on a picture that is still there: once more, after a rest."""
        self._picture = True
        self._rest_until = now + RETRY_S
        self.idr.request("failed")
