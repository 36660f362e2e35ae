"""What to do next with a stream: encode the newest frame or the last picture again, refine, wait.

Pure; belongs to one stream. Owns what was sent lately and what is due. Drops frames before they are
encoded, which costs nothing: a newer frame replaces one that was not encoded, and none is encoded
while no gateway has room, or while the link still carries what was sent. The newest frame is never
dropped: it is encoded as soon as there is room again.

`next` follows the first of these rules that applies:

    1. no frame has come yet                         wait for one
    2. the codec failed less than RETRY_S ago        wait until then
    3. no gateway has room                           wait for room, or until their reports expire
    4. only keyframes are made                       an IDR each second, or sooner if one is owed
    5. a frame waits that was not encoded (unless    after `refine_turn` patches one refinement, and
       `motion` hurries the repeats of rule 6)       the frame once the pace and the link allow it:
                                                     as a patch if that may be, else as video
    6. an IDR is owed, or `motion` wants a repeat    the last picture again, as video
    7. viewers see places less sharp than they are   refine them, if a patch may be next and no IDR
                                                     is owed
    8. nothing of this                               wait for an event

Each of the rules 5 to 7 has a moment from which on it applies. Of those that apply now the upper
one is taken; if none does yet, the stream waits for the earliest. What an event does to the state:

    frame_came   a frame waits; it replaces the one that waited
    begin        the frame that waited is being encoded; one that comes from now on is newer
    unit_built   the link owes its bytes; video begins the repeats of `motion`, a patch ends them
    failed       rest for RETRY_S, then begin with an IDR; the picture is kept
"""

import math
from dataclasses import dataclass

from fanlight_common.core.budget import Budget
from fanlight_encoder.core.idr_policy import IdrPolicy
from fanlight_encoder.core.motion import Motion
from fanlight_encoder.core.pacer import Pacer
from fanlight_encoder.core.renditions import KEYFRAME_INTERVAL_S, StreamParams
from fanlight_encoder.core.room import RoomPolicy
from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS, BuiltUnit, UnitKind, UnitLimits

RETRY_S = 1.0
"""Seconds that a stream rests after its codec and the fallback have failed."""


@dataclass(frozen=True, slots=True)
class Encode:
    """Encode now: the newest frame if `fresh`, otherwise the last picture again, as video.

    The unit may be a patch if `may_patch` and if a patch pays. Otherwise it has to be video.
    """

    fresh: bool
    idr: bool
    may_patch: bool = False


@dataclass(frozen=True, slots=True)
class Refine:
    """Send some places sharp that viewers see blurry."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until something happens, or until this moment."""

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
        """A picture is not worth encoding with fewer bytes. The stream sets it if its codec can be
        told the size of a unit."""
        self._limits = limits
        self._motion = motion
        self._pacer = pacer
        self._keyframes_only = keyframes_only
        self._waiting = False
        """There is a frame that was not encoded."""
        self._picture = False
        """There is a last picture that can be encoded again."""
        self._blurry = False
        """Viewers see places less sharp than they are."""
        self._refine_at = 0.0
        self._since_refined = 0
        self._keyframe_at = -math.inf
        self._rest_until = 0.0

    @classmethod
    def for_stream(cls, params: StreamParams, *, kbps: int | None = None) -> "Schedule":
        """Return the schedule of a stream with these params, at its ceiling or at another rate."""
        return cls(
            idr=IdrPolicy(gop=params.gop),
            room=RoomPolicy(),
            budget=Budget(params.kbps if kbps is None else kbps, params.budget_depth_s),
            motion=Motion(params.repeat_interval_s, patches=params.patches),
            pacer=Pacer(params.fps),
            keyframes_only=params.keyframes_only,
            limits=params.limits,
        )

    def frame_came(self) -> bool:
        """Note that a newer frame is there. Returns False if the one before was not encoded."""
        replaced = self._waiting
        self._waiting = True
        return not replaced

    def next(self, now: float) -> Decision:
        """Return what to do at `now`."""
        if not (self._waiting or self._picture):
            return Wait(None)
        if now < self._rest_until:
            return Wait(self._rest_until)
        if not self.room.has_room(now):
            return Wait(self.room.silent_at(), no_room=True)
        if self._keyframes_only:
            return self._next_keyframe(now)
        # Of the decisions that are due, the first one in this order is taken.
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
        # While somebody waits for an IDR, nothing else may spend the bytes that it needs.
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
                # An IDR that only the GOP asks for is not made here, because each IDR begins the
                # repeats anew, and there would be no end of them.
                at = max(self.idr.ready_at, self._paid_at(idr=True))
                moments.append((at, Encode(fresh=False, idr=True)))
            repeat_at = motion.due_at if motion.due_at is not None else spare_at
            if repeat_at is not None and not owed:
                at = max(now if motion.hurried else repeat_at, self._paid_at(idr=False))
                moments.append((at, Encode(fresh=False, idr=False)))
        if refining:
            credit = min(self.budget.of(self._limits.refine_s), self._limits.refine_bytes)
            moments.append((max(self._refine_at, self.budget.ready_at(credit)), Refine()))
        return moments

    def _paid_at(self, *, idr: bool) -> float:
        """Return when the link has carried enough of what was sent for another picture."""
        least = self.budget.of(self._limits.idr_credit_s) if idr else 0
        return self.budget.ready_at(max(least, self.least_bytes))

    def begin(self, decision: Encode | Refine) -> None:
        """Note that the decision is being carried out. A frame that comes from now on is newer."""
        if isinstance(decision, Encode) and decision.fresh:
            self._waiting = False

    def unit_built(self, decision: Encode | Refine, unit: BuiltUnit, now: float) -> None:
        """Note that the decision was carried out and has led to this unit."""
        self._blurry = unit.blurry
        self.budget.spend(len(unit.payload), now)
        self._refine_at = max(self._refine_at, now + self._limits.refine_pause_s)
        if isinstance(decision, Refine):
            self._since_refined = 0
            return
        self._picture = True
        self._pacer.encoded(now)
        if unit.kind is UnitKind.NOTHING:
            return
        if unit.kind is UnitKind.PATCH:
            self._since_refined += 1
            self._motion.patched()
            return
        idr = unit.kind is UnitKind.IDR
        self.idr.unit_sent(now, idr)
        # The next keyframe is due a second after this one was due, and not after it was done,
        # because there would be less than one a second otherwise.
        in_time = 0 <= now - self._keyframe_at < KEYFRAME_INTERVAL_S
        self._keyframe_at = (self._keyframe_at if in_time else now) + KEYFRAME_INTERVAL_S
        if decision.fresh or idr:
            self._refine_at = now + self._limits.refine_after_s
            self._motion.video(now, calm=unit.calm or not decision.fresh, refused=unit.refused)
        else:
            self._motion.repeated(now)

    def failed(self, now: float) -> None:
        """Note that the codec failed. The picture is kept, and encoded after a rest, as an IDR."""
        self._picture = True
        self._rest_until = now + RETRY_S
        self.idr.request("failed")
