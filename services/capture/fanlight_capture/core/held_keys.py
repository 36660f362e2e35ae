"""What each viewer holds down, so that no key and no button is ever stuck.

Pure. Owns the keys and buttons that viewers have pressed and not released, and the time at which
each of these viewers was last heard of. Drops downs and ups that mean nothing, as the table says.

Several viewers can hold one control, so its state is seen from the viewer whose message comes:
NOBODY holds it, that viewer holds it ALONE, the viewer and others hold it (SHARED), or only OTHERS
do. The table says what a viewer's message does to one control, and what is done at the desk:

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
- A further down of what the viewer holds is a repetition, made by the person's own keyboard. It is
  *repeat* while it is fresh, and *stale* when it comes too soon after the press or after the down
  before it, because then a stalled network has delivered several at once. Modifiers, locks and
  buttons never repeat: each further down of them is stale.
- leave is everything that ends all that a viewer holds: the viewer closed its connection, its page
  lost the focus, or nothing was heard of it for `silence_s` (`silent`). `release_viewer` does it.
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
    """A viewer that holds something and is not heard of for so long lets go of it. The
    gateway tells once a second that a viewer is there, so two such messages may be lost."""
    first_repeat_s: float = 0.1
    """No keyboard repeats a key sooner than this after its press; the quickest wait 0.2 s."""
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
        """Whether holding the control down may do more than pressing it."""
        return self.kind is ControlKind.KEY and self.number not in (*_MODIFIERS, *_LOCKS)


class Effect(Enum):
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
    """Who holds what. Methods change it, and return what is to be done at the desk itself.

    All times are seconds of one monotonic clock.
    """

    def __init__(self, limits: HeldKeyLimits) -> None:
        self._limits = limits
        # Dictionaries serve as ordered sets: their order is the order of pressing.
        self._held: dict[str, dict[Control, _Down]] = {}
        self._heard_at: dict[str, float] = {}

    def press(self, viewer: str, control: Control, now: float) -> Effect:
        """Take a viewer's down of a control; what is to be done at the desk."""
        self._heard_at[viewer] = now
        down = self._held.get(viewer, {}).get(control)
        if down is None:
            first = not self._is_held(control)
            self._held.setdefault(viewer, {})[control] = _Down(now, now)
            return Effect.PRESS if first else Effect.NOTHING
        fresh = (
            now - down.pressed_at >= self._limits.first_repeat_s
            and now - down.last_down_at >= self._limits.repeat_gap_s
        )
        down.last_down_at = now
        return Effect.REPEAT if fresh and control.repeats else Effect.NOTHING

    def release(self, viewer: str, control: Control) -> bool:
        """Take a viewer's up of a control. True: the control is to be released at the desk."""
        held = self._held.get(viewer, {})
        if control not in held:
            return False
        del held[control]
        if not held:
            self._forget(viewer)
        return not self._is_held(control)

    def release_viewer(self, viewer: str) -> tuple[Control, ...]:
        """Forget all that a viewer holds; the controls that are to be released at the desk.

        They come newest first, so that Ctrl outlives the C of Ctrl-C.
        """
        held = self._held.get(viewer, {})
        self._forget(viewer)
        return tuple(control for control in reversed(held) if not self._is_held(control))

    def heard(self, viewer: str, now: float) -> None:
        """Note that a message of this viewer arrived."""
        if viewer in self._held:
            self._heard_at[viewer] = now

    def silent(self, now: float) -> tuple[str, ...]:
        """The viewers that hold something and were not heard of for `silence_s`. Changes nothing:
        the caller releases them."""
        silence_s = self._limits.silence_s
        return tuple(v for v, heard_at in self._heard_at.items() if now - heard_at >= silence_s)

    def next_silence_in(self, now: float) -> float | None:
        """Seconds until the first viewer could become silent; None while nobody holds anything."""
        if not self._heard_at:
            return None
        return max(0.0, min(self._heard_at.values()) + self._limits.silence_s - now)

    def viewers(self) -> tuple[str, ...]:
        """All viewers that hold something."""
        return tuple(self._held)

    def clear(self) -> None:
        """Forget everything, because the desk itself has gone, and all that was held with it."""
        self._held.clear()
        self._heard_at.clear()

    def _is_held(self, control: Control) -> bool:
        return any(control in held for held in self._held.values())

    def _forget(self, viewer: str) -> None:
        self._held.pop(viewer, None)
        self._heard_at.pop(viewer, None)
