"""Adds smooth wheel deltas up to whole clicks, because X11's core pointer knows only clicks.

Pure; belongs to one viewer. Owns the part of a notch that has not become a click yet. Drops that
part when the direction changes, because half a notch up must not cancel half a notch down.
"""

from dataclasses import dataclass, field

UNITS_PER_CLICK = 120


@dataclass(slots=True)
class _Axis:
    rest: int = 0

    def turn(self, delta: int) -> int:
        if delta * self.rest < 0:
            self.rest = 0
        total = self.rest + delta
        clicks = abs(total) // UNITS_PER_CLICK * (1 if total > 0 else -1)
        self.rest = total - clicks * UNITS_PER_CLICK
        return clicks


@dataclass(slots=True)
class WheelAccumulator:
    """Both axes of one viewer's wheel. `turn` changes it."""

    _x: _Axis = field(default_factory=_Axis)
    _y: _Axis = field(default_factory=_Axis)

    def turn(self, dx: int, dy: int) -> tuple[int, int]:
        """Add deltas in 1/120 of a notch. Returns clicks; right and down are positive."""
        return self._x.turn(dx), self._y.turn(dy)
