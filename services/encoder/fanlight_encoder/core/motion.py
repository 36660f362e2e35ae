"""From patches to video at once, and back with care.

Pure. Decoders in hardware may hold one or two pictures back, and patches are painted over what was
decoded: so after video the last picture is encoded REPEATS times more before the first patch. On a
desk that falls still that happens by itself, a moment after the last change. On one that goes on
changing a little (a clock, a terminal) it is done in a hurry after some such changes; the more
often a patch then did not pay, the more of them.

On a thin link patches take seconds to make all of a desk sharp, one place after the other; after a
few repeats more all of it can be read in half a second. Those are spare: nothing waits for them but
sharpening, and a patch of something new ends them.
"""

REPEATS = 2
SPARE_REPEATS = 10
LONG_REPEATS = 25
"""Without patches text has to get sharp by repeats alone: so many, for a full screen."""
_PATIENCE = 2
_MOST_PATIENCE = 64
_LONGEST_S = 0.06
_SPARE_AFTER_S = 0.1
"""From the last change: what scrolls or plays wants none between its pictures."""


class Motion:
    """What the units so far mean for the next. `interval_s`: from the last change to a repeat."""

    def __init__(self, interval_s: float, *, patches: bool) -> None:
        self._interval_s = interval_s
        self._patches = patches
        self._repeats = REPEATS if patches else LONG_REPEATS
        self._left = 0
        self._spare = 0
        self._calm = 0
        self._patience = _PATIENCE
        self._due_at = 0.0
        self._changed_at = 0.0

    @property
    def due_at(self) -> float | None:
        """When the last picture is to be encoded again; None: it need not be."""
        return self._due_at if self._left else None

    @property
    def spare_at(self) -> float | None:
        """When to encode it once more for a thin link; None: never, or the others come first."""
        if self._left or not self._spare:
            return None
        return max(self._due_at, self._changed_at + _SPARE_AFTER_S)

    @property
    def may_patch(self) -> bool:
        """Whether every decoder has let go of every picture."""
        return self._patches and not self._left

    @property
    def hurried(self) -> bool:
        """Whether to repeat the last picture although there is a newer one."""
        return self._patches and bool(self._left) and self._calm >= self._patience

    def video(self, now: float, *, calm: bool, refused: bool = False) -> None:
        """A new picture went out as video. `calm`, `refused`: see `product.BuiltUnit`."""
        # A clip of 25 pictures a second wants no repeats between them.
        gap = min(1.5 * (now - self._changed_at), _LONGEST_S)
        self._changed_at = now
        self._left, self._due_at = self._repeats, now + max(self._interval_s, gap)
        self._spare = SPARE_REPEATS if self._patches else 0
        if refused:
            self._patience = min(2 * self._patience, _MOST_PATIENCE)
        self._calm = self._calm + 1 if calm and not refused else 0

    def repeated(self, now: float) -> None:
        """The same picture went out once more."""
        if self._left:
            self._left -= 1
        else:
            self._spare = max(0, self._spare - 1)
        self._due_at = now + self._interval_s

    def patched(self) -> None:
        """A patch went out instead."""
        self._calm = 0
        self._spare = 0
        self._patience = max(_PATIENCE, self._patience - 1)
