"""Which rendition a viewer gets: down when its path cannot carry it, up again after a quiet while.

Pure; times in milliseconds. Moving between renditions is automatic: unlike leaving screenshots it
is no guess, for the video that flows says what the path carries. Who cannot carry the lowest goes
to screenshots, by the viewer's own rule.

Down: the target was under the rendition's floor for a while, and more was to be sent than the path
took; or units had to be dropped at the gateway, where others share the stream and would pay for the
IDR that this viewer needs. Up: a quiet while, and a target above the floor of the next rendition.
Going up is a probe: one that fails soon doubles the while before the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fanlight_common.core.names import Rendition

RUNGS = (Rendition.HIGH, Rendition.HALF, Rendition.LOW)


@dataclass(frozen=True, slots=True)
class LadderLimits:
    """The constants, see `video_settings`."""

    floors_kbps: Mapping[Rendition, float]
    """A target under this is too little for the rendition; the lowest has none."""
    down_ms: float
    quiet_ms: float
    max_quiet_ms: float
    up_margin: float


class Ladder:
    """One viewer's place on it."""

    def __init__(self, limits: LadderLimits, now_ms: float) -> None:
        self._limits = limits
        self._rung = 0
        self._poor_since: float | None = None
        self._quiet_since = now_ms
        self._quiet_ms = limits.quiet_ms
        self._went_up_at: float | None = None

    @property
    def rendition(self) -> Rendition:
        """The viewer's present one."""
        return RUNGS[self._rung]

    def step(self, target_kbps: float, *, limited: bool, fell_behind: bool, now_ms: float) -> bool:
        """Look at the viewer's path; True: another rendition from now on.

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
        return (
            target_kbps >= self._limits.up_margin * self._limits.floors_kbps[RUNGS[self._rung - 1]]
        )

    def _down(self, now_ms: float) -> None:
        if self._went_up_at is not None and now_ms - self._went_up_at < self._quiet_ms:
            self._quiet_ms = min(self._limits.max_quiet_ms, 2 * self._quiet_ms)
        self._rung += 1
        self._went_up_at = None
        self._poor_since = None
        self._quiet_since = now_ms

    def _up(self, now_ms: float) -> None:
        if self._went_up_at is not None:  # the last probe has stood its while
            self._quiet_ms = self._limits.quiet_ms
        self._rung -= 1
        self._went_up_at = now_ms
        self._quiet_since = now_ms
