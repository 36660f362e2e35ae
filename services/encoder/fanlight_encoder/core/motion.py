"""From patches to video at once, and back with care.

Pure; belongs to one stream. Owns how often the last picture is still to be repeated; drops nothing.

Hardware decoders may hold one or two pictures back, and patches are painted over what was decoded.
Therefore the last picture is encoded REPEATS times more after video, before the first patch. On a
desk that stops changing this happens by itself, a moment after the last change. On a desk that goes
on changing a little (a clock, a terminal) the repeats are made in a hurry, after a few such
changes. Each time that a patch then does not pay, more such changes are needed the next time.

On a thin link patches need seconds to make all of a desk sharp, one place after the other. After a
few more repeats all of it can be read, in half a second. These are the spare repeats: only
refinements wait for them, and a patch of something new ends them.

Each unit of the stream changes the phase. Tests hold this table, `TRANSITIONS` and the code
together:

    phase      unit      next phase
    STILL      video     REPEATING
    STILL      repeated  STILL
    STILL      patched   STILL
    REPEATING  video     REPEATING
    REPEATING  repeated  REPEATING, SPARE or STILL
    SPARE      video     REPEATING
    SPARE      repeated  SPARE or STILL
    SPARE      patched   STILL

- STILL: every decoder has shown the last picture, so a patch may be next.
- REPEATING: the last picture is repeated for decoders that hold pictures back, and no patch is
  made.
- SPARE: the last picture is repeated for thin links, and a patch may be next.

Without patches there is no SPARE, and REPEATING is longer, because nothing else makes text sharp.
"""

from collections.abc import Mapping
from enum import Enum

REPEATS = 2
SPARE_REPEATS = 10
LONG_REPEATS = 25
"""Without patches: this many repeats make a full screen of small text sharp."""
REPEAT_INTERVAL_S = 0.03
"""Seconds from the last change to the first repeat, and from one repeat to the next."""
_PATIENCE = 2
_MOST_PATIENCE = 64
_LONGEST_S = 0.06
_SPARE_AFTER_S = 0.1
"""Seconds from the last change to the first spare repeat. Between the pictures of content that
scrolls or plays there must be none."""


class MotionPhase(Enum):
    """See the table above."""

    STILL = "still"
    REPEATING = "repeating"
    SPARE = "spare"


class MotionEvent(Enum):
    """What was sent."""

    VIDEO = "video"
    REPEATED = "repeated"
    PATCHED = "patched"


TRANSITIONS: Mapping[tuple[MotionPhase, MotionEvent], frozenset[MotionPhase]] = {
    (MotionPhase.STILL, MotionEvent.VIDEO): frozenset({MotionPhase.REPEATING}),
    (MotionPhase.STILL, MotionEvent.REPEATED): frozenset({MotionPhase.STILL}),
    (MotionPhase.STILL, MotionEvent.PATCHED): frozenset({MotionPhase.STILL}),
    (MotionPhase.REPEATING, MotionEvent.VIDEO): frozenset({MotionPhase.REPEATING}),
    (MotionPhase.REPEATING, MotionEvent.REPEATED): frozenset(MotionPhase),
    (MotionPhase.SPARE, MotionEvent.VIDEO): frozenset({MotionPhase.REPEATING}),
    (MotionPhase.SPARE, MotionEvent.REPEATED): frozenset({MotionPhase.SPARE, MotionPhase.STILL}),
    (MotionPhase.SPARE, MotionEvent.PATCHED): frozenset({MotionPhase.STILL}),
}
"""The phases that may follow. A patch while repeating is not in it: `may_patch` forbids it."""


class Motion:
    """Decides from the units so far what the next may be."""

    def __init__(self, interval_s: float = REPEAT_INTERVAL_S, *, patches: bool) -> None:
        self._interval_s = interval_s
        self._patches = patches
        self._repeats = REPEATS if patches else LONG_REPEATS
        self._repeats_left = 0
        self._spare_left = 0
        self._calm = 0
        """The number of pictures in a row that were sent as video and changed little."""
        self._patience = _PATIENCE
        """After this many of them a patch is tried again."""
        self._due_at = 0.0
        self._changed_at = 0.0

    @property
    def phase(self) -> MotionPhase:
        """The phase in the table."""
        if self._repeats_left:
            return MotionPhase.REPEATING
        return MotionPhase.SPARE if self._spare_left else MotionPhase.STILL

    @property
    def due_at(self) -> float | None:
        """When the last picture is to be encoded again. None if it need not be."""
        return self._due_at if self._repeats_left else None

    @property
    def spare_at(self) -> float | None:
        """When the last picture is to be encoded for a thin link. None if never, or not yet."""
        if self._repeats_left or not self._spare_left:
            return None
        return max(self._due_at, self._changed_at + _SPARE_AFTER_S)

    @property
    def may_patch(self) -> bool:
        """May a patch be next? Every decoder has to have shown the last picture."""
        return self._patches and not self._repeats_left

    @property
    def hurried(self) -> bool:
        """Is the last picture to be repeated although there is a newer one?"""
        return self._patches and bool(self._repeats_left) and self._calm >= self._patience

    def video(self, now: float, *, calm: bool, refused: bool = False) -> None:
        """Note that a new picture was sent as video. `calm`, `refused`: see `BuiltUnit`."""
        # The first repeat waits longer than the gap between two pictures of a clip, so that there
        # are no repeats between them.
        gap = min(1.5 * (now - self._changed_at), _LONGEST_S)
        self._changed_at = now
        self._repeats_left, self._due_at = self._repeats, now + max(self._interval_s, gap)
        self._spare_left = SPARE_REPEATS if self._patches else 0
        if refused:
            self._patience = min(2 * self._patience, _MOST_PATIENCE)
        self._calm = self._calm + 1 if calm and not refused else 0

    def repeated(self, now: float) -> None:
        """Note that the same picture was sent once more."""
        if self._repeats_left:
            self._repeats_left -= 1
        else:
            self._spare_left = max(0, self._spare_left - 1)
        self._due_at = now + self._interval_s

    def patched(self) -> None:
        """Note that a patch was sent instead of video."""
        self._calm = 0
        self._spare_left = 0
        self._patience = max(_PATIENCE, self._patience - 1)
