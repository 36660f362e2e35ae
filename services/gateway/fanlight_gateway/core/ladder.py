"""Which rendition a viewer gets: high, half or low, by what its path carries. Pure.

Moving between renditions is automatic. Unlike leaving screenshots it is no guess, because the video
that flows says what the path carries. A viewer whose path cannot carry the lowest rendition goes to
screenshots, which is decided in the viewer itself. Times are in milliseconds.

    | step (several times a second)                        | move | and then                       |
    |------------------------------------------------------|------|--------------------------------|
    | target under the rendition's floor for `down_ms`,    | down | a move up before this, less    |
    | while more is to be sent than the path takes         |      | than a quiet time ago, failed: |
    | units were dropped at the gateway for this viewer,   | down | the quiet time doubles         |
    | and others share the stream: they would pay for the  |      |                                |
    | IDR that it needs                                    |      |                                |
    | a quiet time has passed, and the target is above the | up   | a probe; if a quiet time       |
    | next floor x `up_margin`                             |      | passes, it has succeeded       |

A quiet time begins anew whenever the path takes less than is to be sent and the target is poor, or
units were dropped, and at each move.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fanlight_common.core.names import Rendition

RUNGS = (Rendition.HIGH, Rendition.HALF, Rendition.LOW)


@dataclass(frozen=True, slots=True)
class LadderLimits:
    """The constants of the algorithm."""

    floors_kbps: Mapping[Rendition, float] = field(
        default_factory=lambda: {Rendition.HIGH: 2000, Rendition.HALF: 700}
    )
    """A target under this is too little for the rendition; the lowest has none."""
    down_ms: float = 1000
    """How long the target has to be under the floor before a viewer moves down."""
    quiet_ms: float = 10_000
    """How long all has to be well before a viewer moves up."""
    max_quiet_ms: float = 300_000
    """The longest that failed moves up make it."""
    up_margin: float = 1.15
    """A viewer moves up only with a target of so many times the floor."""


class Ladder:
    """One viewer's place on it."""

    def __init__(self, limits: LadderLimits, now_ms: float) -> None:
        self._limits = limits
        self._rung = 0
        self._poor_since: float | None = None
        """Since when the target is under the floor; None: it is not."""
        self._quiet_since = now_ms
        self._quiet_ms = limits.quiet_ms
        """The quiet time that the next move up wants."""
        self._went_up_at: float | None = None
        """When the last move was one up; None: it was not."""

    @property
    def rendition(self) -> Rendition:
        """The viewer's present one."""
        return RUNGS[self._rung]

    def step(self, target_kbps: float, *, limited: bool, fell_behind: bool, now_ms: float) -> bool:
        """Look at the viewer's path; True: `rendition` is another one from now on.

        `limited`: more was to be sent than the path took. `fell_behind`: units were dropped, and
        others share the stream.
        """
        poor = limited and target_kbps < self._limits.floors_kbps.get(self.rendition, 0.0)
        if not poor:
            self._poor_since = None
        elif self._poor_since is None:
            self._poor_since = now_ms
        if limited and (poor or fell_behind):
            self._quiet_since = now_ms
        lasted = self._poor_since is not None and now_ms - self._poor_since >= self._limits.down_ms
        if (lasted or fell_behind) and self._rung + 1 < len(RUNGS):
            self._down(now_ms)
            return True
        if self._may_go_up(target_kbps, now_ms):
            self._up(now_ms)
            return True
        return False

    def _may_go_up(self, target_kbps: float, now_ms: float) -> bool:
        if not self._rung or now_ms - self._quiet_since < self._quiet_ms:
            return False
        floor_kbps = self._limits.floors_kbps[RUNGS[self._rung - 1]]
        return target_kbps >= self._limits.up_margin * floor_kbps

    def _down(self, now_ms: float) -> None:
        if self._went_up_at is not None and now_ms - self._went_up_at < self._quiet_ms:
            self._quiet_ms = min(self._limits.max_quiet_ms, 2 * self._quiet_ms)
        self._rung += 1
        self._went_up_at = None
        self._poor_since = None
        self._quiet_since = now_ms

    def _up(self, now_ms: float) -> None:
        if self._went_up_at is not None:  # the last move up has succeeded
            self._quiet_ms = self._limits.quiet_ms
        self._rung -= 1
        self._went_up_at = now_ms
        self._quiet_since = now_ms
