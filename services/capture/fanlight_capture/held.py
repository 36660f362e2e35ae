"""What each viewer holds down, so that nothing is ever stuck.

Pure. Owns the keys and buttons that viewers have pressed and not released, and when each of those
viewers was last heard of. A control that several viewers hold is up when the last one lets go.
Drops duplicates: a second down of what a viewer holds already (key repeat), an up of what it does
not hold.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What can be held."""

    KEY = "key"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Control:
    """A key by its USB usage, or a button by its DOM number."""

    kind: Kind
    number: int


class HeldState:
    """Who holds what. Methods return what is to be pressed or released at the desk itself."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        # Dictionaries as ordered sets: the order of pressing.
        self._held: dict[str, dict[Control, None]] = {}
        self._heard: dict[str, float] = {}

    def press(self, viewer: str, control: Control, now: float) -> bool:
        """A viewer presses. True: nobody held it, press it at the desk."""
        first = not self._is_held(control)
        self._held.setdefault(viewer, {})[control] = None
        self._heard[viewer] = now
        return first

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
