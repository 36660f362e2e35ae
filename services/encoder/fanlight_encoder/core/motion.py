"""From patches to video at once, and back with care.

Pure. Decoders in hardware may hold one or two pictures back, and patches are painted over what was
decoded. So after video the last picture is encoded REPEATS times more before the first patch. On a
desk that stops changing this happens by itself, a moment after the last change. On a desk that goes
on changing a little (a clock, a terminal) it is done in a hurry, after some such changes; the more
often a patch then did not pay, the more of them it takes.

On a thin link patches take seconds to make all of a desk sharp, one place after the other; after a
few repeats more all of it can be read in half a second. Those are the spare repeats: nothing waits
for them but sharpening, and a patch of something new ends them.

The phases, and where each unit of the stream takes them (`TRANSITIONS`; tests hold this table, that
one and the code together):

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

Without patches there is no SPARE, and REPEATING is longer: text gets sharp by nothing else.
"""

from collections.abc import Mapping
from enum import Enum

REPEATS = 2
SPARE_REPEATS = 10
LONG_REPEATS = 25
"""Without patches: this many repeats make a full screen of small text sharp."""
REPEAT_INTERVAL_S = 0.03
"""From the last change to the first repeat, and from one repeat to the next."""
_PATIENCE = 2
_MOST_PATIENCE = 64
_LONGEST_S = 0.06
_SPARE_AFTER_S = 0.1
"""From the last change to the first spare repeat: content that scrolls or plays wants none between
its pictures."""


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
    """What the units so far mean for the next. A repeat comes `interval_s` after a change."""

    def __init__(self, interval_s: float = REPEAT_INTERVAL_S, *, patches: bool) -> None:
        self._interval_s = interval_s
        self._patches = patches
        self._repeats = REPEATS if patches else LONG_REPEATS
        self._repeats_left = 0
        self._spare_left = 0
        self._calm = 0
        """Pictures of video in a row that changed little."""
        self._patience = _PATIENCE
        """After this many of those a patch is tried again."""
        self._due_at = 0.0
        self._changed_at = 0.0

    @property
    def phase(self) -> MotionPhase:
        """What the encoder is in."""
        if self._repeats_left:
            return MotionPhase.REPEATING
        return MotionPhase.SPARE if self._spare_left else MotionPhase.STILL

    @property
    def due_at(self) -> float | None:
        """Returns when the last picture is to be encoded again, None if it need not be."""
        return self._due_at if self._repeats_left else None

    @property
    def spare_at(self) -> float | None:
        """Returns when to encode it once more for a thin link, None if never or not yet."""
        if self._repeats_left or not self._spare_left:
            return None
        return max(self._due_at, self._changed_at + _SPARE_AFTER_S)

    @property
    def may_patch(self) -> bool:
        """Whether every decoder has shown every picture."""
        return self._patches and not self._repeats_left

    @property
    def hurried(self) -> bool:
        """Whether to repeat the last picture although there is a newer one."""
        return self._patches and bool(self._repeats_left) and self._calm >= self._patience

    def video(self, now: float, *, calm: bool, refused: bool = False) -> None:
        """A new picture was sent as video. `calm`, `refused`: see `unit_kinds.BuiltUnit`."""
        # A clip of 25 pictures a second wants no repeats between them.
        gap = min(1.5 * (now - self._changed_at), _LONGEST_S)
        self._changed_at = now
        self._repeats_left, self._due_at = self._repeats, now + max(self._interval_s, gap)
        self._spare_left = SPARE_REPEATS if self._patches else 0
        if refused:
            self._patience = min(2 * self._patience, _MOST_PATIENCE)
        self._calm = self._calm + 1 if calm and not refused else 0

    def repeated(self, now: float) -> None:
        """The same picture was sent once more."""
        if self._repeats_left:
            self._repeats_left -= 1
        else:
            self._spare_left = max(0, self._spare_left - 1)
        self._due_at = now + self._interval_s

    def patched(self) -> None:
        """A patch was sent instead of video."""
        self._calm = 0
        self._spare_left = 0
        self._patience = max(_PATIENCE, self._patience - 1)
