"""What each viewer holds down, so that no key and no button is ever stuck.

Pure. Owns the keys and buttons that viewers have pressed and not released, and the time at which
the last message of each of these viewers came. Drops downs and ups that mean nothing, as the table
says.

Several viewers can hold one control. Its state is that of the viewer that sent the message: NOBODY
holds it, that viewer holds it ALONE, that viewer and others hold it (SHARED), or only OTHERS do.
The table says what a viewer's message does to one control, and what is done at the desk:

    state    event    state after  at the desk
    NOBODY   down     ALONE        press
    NOBODY   up       NOBODY       nothing
    NOBODY   leave    NOBODY       nothing
    ALONE    repeat   ALONE        repeat
    ALONE    stale    ALONE        nothing
    ALONE    up       NOBODY       release
    ALONE    leave    NOBODY       release
    SHARED   repeat   SHARED       repeat
    SHARED   stale    SHARED       nothing
    SHARED   up       OTHERS       nothing
    SHARED   leave    OTHERS       nothing
    OTHERS   down     SHARED       nothing
    OTHERS   up       OTHERS       nothing
    OTHERS   leave    OTHERS       nothing

- down and up are the viewer's messages. `press` takes a down, `release` takes an up.
- A further down of a control that the viewer holds is a repetition, made by the person's own
  keyboard. It is a *repeat* if it is fresh. It is *stale* if it comes too soon after the press or
  after the down before it, because a stalled network has then delivered several at once. Modifiers,
  locks and buttons never repeat: each further down of them is stale.
- leave ends all that a viewer holds: the viewer has closed its connection, its page has lost the
  focus, or no message of it has come for `silence_s` (`silent`). `release_viewer` takes it.
"""

from dataclasses import dataclass
from enum import Enum

_MODIFIERS = range(0xE0, 0xE8)
_LOCKS = (0x39, 0x47, 0x53)
"""Caps Lock, Scroll Lock, Num Lock."""


@dataclass(frozen=True, slots=True)
class HeldKeyLimits:
    """Times, in seconds."""

    silence_s: float = 3.0
    """A viewer's controls are released if no message of it comes for this time. The gateway tells
    once a second that a viewer is there, so two such messages may be lost."""
    first_repeat_s: float = 0.1
    """No keyboard repeats a key sooner after its press. The quickest ones wait 0.2 s."""
    repeat_gap_s: float = 0.01
    """Keyboards repeat 10 to 66 times a second. Downs that come closer together were delayed."""


DEFAULT_LIMITS = HeldKeyLimits()


class ControlKind(Enum):
    """What can be held."""

    KEY = "key"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Control:
    """A key by its USB usage, or a button by its DOM number."""

    kind: ControlKind
    number: int

    @property
    def repeats(self) -> bool:
        """May holding the control down do more than pressing it?"""
        return self.kind is ControlKind.KEY and self.number not in (*_MODIFIERS, *_LOCKS)


class PressEffect(Enum):
    """What is to be done at the desk when a viewer's down arrives."""

    PRESS = "press"
    REPEAT = "repeat"
    NOTHING = "nothing"


@dataclass(slots=True)
class _Down:
    """When a viewer pressed a control, and when its last down of the control arrived."""

    pressed_at: float
    last_down_at: float


class HeldKeys:
    """Who holds what. Methods change it, and return what is to be done at the desk.

    All times are seconds of one monotonic clock.
    """

    def __init__(self, limits: HeldKeyLimits) -> None:
        self._limits = limits
        # Dictionaries serve as ordered sets: their order is the order of pressing.
        self._held: dict[str, dict[Control, _Down]] = {}
        self._heard_at: dict[str, float] = {}

    def press(self, viewer: str, control: Control, now: float) -> PressEffect:
        """Take a viewer's down of a control. Returns what is to be done at the desk."""
        self._heard_at[viewer] = now
        down = self._held.get(viewer, {}).get(control)
        if down is None:
            first = not self._is_held(control)
            self._held.setdefault(viewer, {})[control] = _Down(now, now)
            return PressEffect.PRESS if first else PressEffect.NOTHING
        fresh = (
            now - down.pressed_at >= self._limits.first_repeat_s
            and now - down.last_down_at >= self._limits.repeat_gap_s
        )
        down.last_down_at = now
        return PressEffect.REPEAT if fresh and control.repeats else PressEffect.NOTHING

    def release(self, viewer: str, control: Control) -> bool:
        """Take a viewer's up of a control. Returns True if the desk must release the control."""
        held = self._held.get(viewer, {})
        if control not in held:
            return False
        del held[control]
        if not held:
            self._forget(viewer)
        return not self._is_held(control)

    def release_viewer(self, viewer: str) -> tuple[Control, ...]:
        """Forget all that a viewer holds. Returns the controls that the desk must release.

        The newest one comes first, so that the Ctrl of Ctrl-C is released after the C.
        """
        held = self._held.get(viewer, {})
        self._forget(viewer)
        return tuple(control for control in reversed(held) if not self._is_held(control))

    def heard(self, viewer: str, now: float) -> None:
        """Note that a message of this viewer has come."""
        if viewer in self._held:
            self._heard_at[viewer] = now

    def silent(self, now: float) -> tuple[str, ...]:
        """Return the viewers that hold something and have been silent for `silence_s`.

        Changes nothing: the caller releases them.
        """
        silence_s = self._limits.silence_s
        return tuple(v for v, heard_at in self._heard_at.items() if now - heard_at >= silence_s)

    def next_silence_in(self, now: float) -> float | None:
        """Return the seconds until a viewer may count as silent, None if nobody holds anything."""
        if not self._heard_at:
            return None
        return max(0.0, min(self._heard_at.values()) + self._limits.silence_s - now)

    def viewers(self) -> tuple[str, ...]:
        """Return all viewers that hold something."""
        return tuple(self._held)

    def clear(self) -> None:
        """Forget everything, because the display has gone, and nothing is held there any more."""
        self._held.clear()
        self._heard_at.clear()

    def _is_held(self, control: Control) -> bool:
        return any(control in held for held in self._held.values())

    def _forget(self, viewer: str) -> None:
        self._held.pop(viewer, None)
        self._heard_at.pop(viewer, None)
