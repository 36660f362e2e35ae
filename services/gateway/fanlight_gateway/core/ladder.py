"""Which rendition a viewer gets: high, half or low, by what its path carries. Pure.

A viewer moves between renditions by itself. Such a move is no guess, because the video that flows
shows what the path carries; a move from screenshots back to video would be one. If the path cannot
carry the lowest rendition, the viewer goes to screenshots, which its page decides. Times are in
seconds.

The state says what is known of the viewer's last move. The gateway calls `step` several times a
second; each call takes at most one of the events that move the viewer.

    state    event   move  next     quiet time
    settled  poor    down  settled  same
    settled  behind  down  settled  same
    settled  well    up    probing  same
    probing  poor    down  settled  doubled
    probing  behind  down  settled  doubled
    probing  stood   -     proven   same
    proven   poor    down  settled  same
    proven   behind  down  settled  same
    proven   well    up    probing  first

- poor: the target has been under the rendition's floor for `down_s`, while more was to be sent than
  the path took.
- behind: the gateway dropped units for this viewer, and other viewers share the stream. They would
  pay for the IDR that this viewer needs.
- well: a quiet time has passed, and the target is at least `up_margin` times the next floor.
- stood: a quiet time has passed since the move up.

There is no move down from the lowest rendition, and none up from the highest. A quiet time begins
anew at each move. It also begins anew if more is to be sent than the path takes and, besides, the
target is poor or units were dropped. A move up is a probe. If the probe fails, the next one has to
wait for a quiet time that is twice as long, up to `max_quiet_s`. If it stood, the next one waits
only for the first quiet time, `quiet_s`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fanlight_common.core.names import Rendition

RUNGS = (Rendition.HIGH, Rendition.HALF, Rendition.LOW)


@dataclass(frozen=True, slots=True)
class LadderLimits:
    """The constants of the algorithm."""

    floors_kbps: Mapping[Rendition, float] = field(
        default_factory=lambda: {Rendition.HIGH: 2000, Rendition.HALF: 700}
    )
    """A target under this is too little for the rendition. The lowest rendition has no floor."""
    down_s: float = 1
    """How long the target has to be under the floor before a viewer moves down."""
    quiet_s: float = 10
    """How long all has to be well before a viewer moves up."""
    max_quiet_s: float = 300
    """The longest quiet time after failed moves up."""
    up_margin: float = 1.15
    """A viewer moves up only if its target is at least this many times the floor."""


class LadderState(StrEnum):
    """What is known of the viewer's last move."""

    SETTLED = "settled"
    """The viewer moved down, or has not moved yet."""
    PROBING = "probing"
    """The viewer moved up, less than a quiet time ago."""
    PROVEN = "proven"
    """The viewer moved up, and a quiet time has passed since."""


class Ladder:
    """One viewer's place on the ladder."""

    def __init__(self, limits: LadderLimits, now: float) -> None:
        self._limits = limits
        self._rung = 0
        self._poor_since: float | None = None
        """Since when the target has been under the floor. None if it is not."""
        self._quiet_since = now
        self._quiet_s = limits.quiet_s
        """The quiet time that the next move up has to wait for."""
        self._went_up_at: float | None = None
        """When the viewer moved up, if that was its last move. Else None."""

    @property
    def rendition(self) -> Rendition:
        """The viewer's present rendition."""
        return RUNGS[self._rung]

    def state(self, now: float) -> LadderState:
        """Return the state in the table."""
        if self._went_up_at is None:
            return LadderState.SETTLED
        is_new = now - self._went_up_at < self._quiet_s
        return LadderState.PROBING if is_new else LadderState.PROVEN

    def step(self, target_kbps: float, *, limited: bool, fell_behind: bool, now: float) -> bool:
        """Look at the viewer's path, and move the viewer if that is due. Returns True if it moved.

        `limited`: more was to be sent than the path took. `fell_behind`: units were dropped, and
        other viewers share the stream.
        """
        poor = limited and target_kbps < self._limits.floors_kbps.get(self.rendition, 0.0)
        if not poor:
            self._poor_since = None
        elif self._poor_since is None:
            self._poor_since = now
        if limited and (poor or fell_behind):
            self._quiet_since = now
        if self._rung + 1 < len(RUNGS) and (self._is_poor(now) or fell_behind):
            self._down(now)
            return True
        if self._rung > 0 and self._is_well(target_kbps, now):
            self._up(now)
            return True
        return False

    def _is_poor(self, now: float) -> bool:
        """Has the target been under the floor for long enough to move down?"""
        return self._poor_since is not None and now - self._poor_since >= self._limits.down_s

    def _is_well(self, target_kbps: float, now: float) -> bool:
        """Has a quiet time passed, and does the path carry the rendition above?"""
        if now - self._quiet_since < self._quiet_s:
            return False
        floor_kbps = self._limits.floors_kbps[RUNGS[self._rung - 1]]
        return target_kbps >= self._limits.up_margin * floor_kbps

    def _down(self, now: float) -> None:
        if self.state(now) is LadderState.PROBING:
            self._quiet_s = min(self._limits.max_quiet_s, 2 * self._quiet_s)
        self._rung += 1
        self._went_up_at = None
        self._poor_since = None
        self._quiet_since = now

    def _up(self, now: float) -> None:
        if self.state(now) is LadderState.PROVEN:
            self._quiet_s = self._limits.quiet_s
        self._rung -= 1
        self._went_up_at = now
        self._quiet_since = now
