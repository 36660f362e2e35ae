"""What comes of a picture: an IDR, a delta, a patch, or nothing; and what a patch may cost.

Pure. A patch pays where little changed; where much did, a delta of the whole picture is smaller and
no slower to make. What is tried is bounded beforehand, so that a vain try costs less than the video
that follows it.
"""

from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.core.geometry import Rect

TRY_PX = 2_200_000
"""With more damage than this nothing is tried: looking would take longer than encoding."""


@dataclass(frozen=True, slots=True)
class UnitLimits:
    """How much a unit may take, and when there may be one. What was measured: decisions 11, 12.

    The fields in ms are times of the link at the stream's present rate, unless they say otherwise.
    """

    patch_ms: float = 50
    """A patch takes the link at most so long; anything larger is better off as video."""
    patch_bytes: int = 48_000
    """Nor is it larger than this."""
    delta_ms: float = 50
    """A delta takes the link at most so long; an IDR may take all of `StreamParams.buffer_s`."""
    idr_credit_ms: float = 50
    """An IDR waits until the link could carry so much of it at once."""
    refine_ms: float = 40
    """A unit that only makes things sharper takes the link at most so long: fresh changes may have
    to wait behind it."""
    refine_bytes: int = 32_000
    """Nor is it larger than this."""
    refine_pause_ms: float = 15
    """The least time from one such unit to the next."""
    refine_after_ms: float = 150
    """They begin so long after the last change that became video: the next would undo them all."""
    refine_turn: int = 8
    """After so many patches of something new one such unit has its turn, however busy the desk."""
    spare_repeats_kbps: int = 1500
    """Below this rate the last picture is encoded ten times more before places are made sharp one
    by one: all of the desk can then be read sooner (decision 19)."""
    changed_px: int = 400_000
    """No more pixels than this become images of a patch, once scrolling is taken out."""
    picture_px: int = 20_000
    """What looks like a picture is patched up to this size; a JPEG of more is larger than video."""
    small_effort_kbps: int = 8000
    """Below this rate images are made as small as can be: a kilobyte takes the link longer than
    that takes the encoder."""


DEFAULT_LIMITS = UnitLimits()


class Kind(StrEnum):
    """What was made."""

    IDR = "idr"
    DELTA = "delta"
    PATCH = "patch"
    NOTHING = "nothing"
    """There was damage, and every pixel is what it was."""


@dataclass(frozen=True, slots=True)
class BuiltUnit:
    """A unit, and what the schedule has to know of it."""

    kind: Kind
    payload: bytes = b""
    calm: bool = False
    """So little was damaged that a patch might have been tried."""
    refused: bool = False
    """One was, and does not pay."""
    blurry: bool = False
    """Viewers see places less sharp than they are."""
    areas: tuple[Rect, ...] = ()
    """Of a delta: where it is to be painted; none: everywhere."""
