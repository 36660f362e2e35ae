"""How to type any character: find its key in the keymap, or borrow a spare key for it.

Pure. Owns which spare keycode was given which keysym, and when each was used last. A client reads a
changed keymap some time after the key event, so a spare key gets another keysym only when
`settle_s` has passed since its last use. The spare key that was unused for longest is taken first.
Drops nothing: if there is no key for a character it has no stroke, and the caller counts it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fanlight_capture.core.keysyms import NO_SYMBOL


@dataclass(frozen=True, slots=True)
class TypingLimits:
    """Times, in seconds."""

    settle_s: float = 0.15
    """A spare key that has typed a character keeps its keysym for this time, because slow programs
    need time to read the changed keymap."""


DEFAULT_LIMITS = TypingLimits()


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key to be tapped for one character."""

    keycode: int
    shift: bool = False
    assign: int | None = None
    """The keysym to give to the key before it is tapped. None if the key has it already."""
    wait_s: float = 0.0
    """How many seconds to wait before the keysym is given."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """The core keymap: `width` keysyms for each keycode from `first` on.

    A row is group 1 plain and shifted, group 2 plain and shifted, then further levels.
    """

    first: int
    width: int
    keysyms: tuple[int, ...]

    def row(self, keycode: int) -> tuple[int, ...]:
        """Return all keysyms of a keycode."""
        start = (keycode - self.first) * self.width
        return self.keysyms[start : start + self.width]

    @property
    def keycodes(self) -> range:
        """All keycodes."""
        return range(self.first, self.first + len(self.keysyms) // self.width)


class Typist:
    """Finds the strokes that type characters, by the keymap that `read` was given last."""

    def __init__(self, limits: TypingLimits) -> None:
        self._limits = limits
        self._keys: dict[int, tuple[int, bool]] = {}
        # The keysym and the last use of each spare keycode. The one that was unused for longest
        # comes first.
        self._spare: dict[int, tuple[int, float]] = {}

    def read(
        self, keymap: Keymap, group: int, modifiers: Collection[int], rare: Collection[int]
    ) -> None:
        """Take in the keymap as it is now, and the group that is in effect.

        Keycodes in `modifiers` are neither used for typing nor borrowed. Those in `rare` are
        borrowed last, because they are real keys on other keyboards.
        """
        spare = self._spare
        empty = []
        keys: dict[int, tuple[int, bool]] = {}
        # The core keymap has columns for the first two groups only.
        columns = (
            range(2 * group, 2 * group + 2) if group < 2 <= keymap.width // (group + 1) else ()
        )
        mine = {
            code: given
            for code, given in spare.items()
            if code in keymap.keycodes and _is_given(keymap.row(code), given[0])
        }
        for code in keymap.keycodes:
            if code in mine or code in modifiers:
                continue
            row = keymap.row(code)
            if not any(row):
                empty.append(code)
            for column in columns:
                shift = column % 2 == 1
                keysym = row[column]
                # Any key that needs no Shift is better than one that does.
                if keysym not in keys or (keys[keysym][1] and not shift):
                    keys[keysym] = (code, shift)
        keys.pop(NO_SYMBOL, None)
        self._keys = keys
        never_used = float("-inf")
        fresh = sorted(empty, key=lambda code: code in rare)
        self._spare = dict.fromkeys(fresh, (NO_SYMBOL, never_used))
        self._spare.update(mine)

    def stroke(self, keysym: int, now: float) -> Stroke | None:
        """Return how to type `keysym` at `now` (monotonic seconds), None if there is no key for it.

        This counts as a use of the key, at the end of `wait_s`.
        """
        if keysym in self._keys:
            return Stroke(*self._keys[keysym])
        for code, (given, _) in self._spare.items():
            if given == keysym:
                self._use(code, keysym, now)
                return Stroke(code)
        if not self._spare:
            return None
        code, (_, used) = next(iter(self._spare.items()))
        wait_s = max(0.0, used + self._limits.settle_s - now)
        self._use(code, keysym, now + wait_s)
        return Stroke(code, assign=keysym, wait_s=wait_s)

    def given(self) -> tuple[int, ...]:
        """Return the keycodes that have a keysym of ours, and are to be emptied in the end."""
        return tuple(code for code, (keysym, _) in self._spare.items() if keysym != NO_SYMBOL)

    def _use(self, code: int, keysym: int, now: float) -> None:
        self._spare.pop(code)
        self._spare[code] = (keysym, now)


def given_row(keysym: int) -> tuple[int, int]:
    """Return the row of a borrowed key: one keysym on both levels, so that Shift does nothing."""
    return keysym, keysym


def _is_given(row: Sequence[int], keysym: int) -> bool:
    return keysym != NO_SYMBOL and row[:2] == given_row(keysym)
