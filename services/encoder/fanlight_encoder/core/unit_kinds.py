"""What comes of a picture: an IDR, a delta, a patch, or nothing; and how much each may take.

Pure. A patch pays where little has changed; where much has, a delta of the whole picture is smaller
and no slower to make. The limits bound what is tried before it is tried, so that a patch that is
given up costs less than the video that follows it.
"""

from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.core.geometry import Rect

TRY_PX = 2_200_000
"""With more damage than this no patch is tried: to compare it would take longer than to encode."""


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


class UnitKind(StrEnum):
    """The kinds of units."""

    IDR = "idr"
    DELTA = "delta"
    PATCH = "patch"
    NOTHING = "nothing"
    """No unit: there was damage, and yet every pixel is what it was."""


@dataclass(frozen=True, slots=True)
class BuiltUnit:
    """A unit, and what the schedule has to know about it."""

    kind: UnitKind
    payload: bytes = b""
    calm: bool = False
    """Video: so little was damaged that a patch might have been tried."""
    refused: bool = False
    """Video: a patch was tried, and does not pay."""
    blurry: bool = False
    """Viewers see places less sharp than they are."""
    areas: tuple[Rect, ...] = ()
    """A delta: where viewers are to paint it; none: everywhere."""
