"""What each viewer holds down, so that nothing is ever stuck.

Pure. Owns the keys and buttons that viewers have pressed and not released, and when each of those
viewers was last heard of. A control that several viewers hold is up when the last one lets go.

A second down of a key that its viewer holds is a repetition: the person's own keyboard made it, and
it is worth something only while it is fresh. What a stalled network delivers in one go is not:
repetitions that come too close to the one before, or to the press itself, are dropped. So are those
of keys that never repeat, a second down of a button, and an up of what is not held.
"""

from dataclasses import dataclass
from enum import Enum

FIRST_REPEAT_S = 0.1
"""No keyboard repeats a key sooner than this after its press; the quickest wait twice as long."""
REPEAT_GAP_S = 0.01
"""Keyboards repeat 10 to 66 times a second. What comes closer together has waited somewhere."""
_MODIFIERS = range(0xE0, 0xE8)
_LOCKS = (0x39, 0x47, 0x53)
"""Caps Lock, Scroll Lock, Num Lock."""


class Kind(Enum):
    """What can be held."""

    KEY = "key"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Control:
    """A key by its USB usage, or a button by its DOM number."""

    kind: Kind
    number: int

    @property
    def repeats(self) -> bool:
        """Whether holding it down may do more than pressing it."""
        return self.kind is Kind.KEY and self.number not in (*_MODIFIERS, *_LOCKS)


class Effect(Enum):
    """What a viewer's press is at the desk."""

    PRESS = "press"
    REPEAT = "repeat"
    NOTHING = "nothing"


@dataclass(slots=True)
class _Down:
    """Since when a viewer holds a control, and when it said so last."""

    since: float
    said: float


class HeldState:
    """Who holds what. Methods return what is to be pressed or released at the desk itself."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        # Dictionaries as ordered sets: the order of pressing.
        self._held: dict[str, dict[Control, _Down]] = {}
        self._heard: dict[str, float] = {}

    def press(self, viewer: str, control: Control, now: float) -> Effect:
        """A viewer presses, or presses again what it holds: what is to be done at the desk.

        PRESS: nobody held it. REPEAT: this viewer holds it, and its keyboard repeats it now.
        """
        self._heard[viewer] = now
        down = self._held.get(viewer, {}).get(control)
        if down is None:
            first = not self._is_held(control)
            self._held.setdefault(viewer, {})[control] = _Down(now, now)
            return Effect.PRESS if first else Effect.NOTHING
        fresh = now - down.since >= FIRST_REPEAT_S and now - down.said >= REPEAT_GAP_S
        down.said = now
        return Effect.REPEAT if fresh and control.repeats else Effect.NOTHING

    def release(self, viewer: str, control: Control) -> bool:
        """A viewer lets go. True: it was the last to hold it, release it at the desk."""
        held = self._held.get(viewer, {})
        if control not in held:
            return False
        del held[control]
        if not held:
            self._forget(viewer)
        return not self._is_held(control)

    def release_viewer(self, viewer: str) -> tuple[Control, ...]:
        """A viewer lets go of everything: what to release at the desk, newest first.

        Newest first, so that Ctrl outlives the C of Ctrl-C.
        """
        held = self._held.get(viewer, {})
        self._forget(viewer)
        return tuple(control for control in reversed(held) if not self._is_held(control))

    def heard(self, viewer: str, now: float) -> None:
        """A viewer gave a sign of life."""
        if viewer in self._held:
            self._heard[viewer] = now

    def silent(self, now: float) -> tuple[str, ...]:
        """Viewers that hold something and have given no sign of life for too long."""
        return tuple(v for v, heard in self._heard.items() if now - heard >= self._silence_s)

    def next_silence_in(self, now: float) -> float | None:
        """Seconds until a viewer could become silent; None while nobody holds anything."""
        if not self._heard:
            return None
        return max(0.0, min(self._heard.values()) + self._silence_s - now)

    def viewers(self) -> tuple[str, ...]:
        """All that hold something."""
        return tuple(self._held)

    def clear(self) -> None:
        """The desk itself has gone, and all that was held with it."""
        self._held.clear()
        self._heard.clear()

    def _is_held(self, control: Control) -> bool:
        return any(control in held for held in self._held.values())

    def _forget(self, viewer: str) -> None:
        self._held.pop(viewer, None)
        self._heard.pop(viewer, None)
