"""The kinds of units (IDR, delta, patch, nothing), their limits, and the result of building one.

Pure; owns constants and drops nothing. `schedule` and `units.builder` choose between the kinds. A
patch pays if little has changed. If much has changed, a delta of the whole picture is smaller and
takes no longer. The limits are checked before a patch is built, so that a patch that is given up
costs less than the video that follows it.
"""

from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.core.geometry import Rect

MOST_PATCHED_PX = 2_200_000
"""If more pixels are damaged, no patch is tried, because it takes longer to compare them than to
encode them."""


@dataclass(frozen=True, slots=True)
class UnitLimits:
    """How large a unit may be, and when there may be one. Decisions 11 and 12: what was measured.

    The fields in seconds are times of the link at the stream's present rate, unless they say
    otherwise.
    """

    patch_s: float = 0.05
    """A patch takes the link at most this time, because a larger one is better sent as video."""
    patch_bytes: int = 48_000
    """The most bytes of a patch."""
    delta_s: float = 0.05
    """A delta takes the link at most this time; an IDR may take all of `StreamParams.buffer_s`."""
    idr_credit_s: float = 0.05
    """An IDR waits until the link could carry this much of it at once."""
    refine_s: float = 0.04
    """A refinement (a unit that only makes the picture sharper) takes the link at most this time,
    because fresh changes may have to wait behind it."""
    refine_bytes: int = 32_000
    """The most bytes of a refinement."""
    refine_pause_s: float = 0.015
    """The least time from one refinement to the next. It is not a time of the link."""
    refine_after_s: float = 0.15
    """Refinements begin this time after the last change that became video, because the next such
    change would undo them all. It is not a time of the link."""
    refine_turn: int = 8
    """After this many patches of new content one refinement has its turn, however busy the desk."""
    spare_repeats_kbps: int = 1500
    """Below this rate the last picture is encoded ten times more before places are made sharp one
    by one: all of the desk can then be read sooner (decision 19)."""
    changed_px: int = 400_000
    """The most pixels that become images of a patch, beside those that have only scrolled."""
    picture_px: int = 20_000
    """An area that looks like a picture is patched up to this size, because a larger JPEG takes
    more bytes than video."""
    small_effort_kbps: int = 8000
    """Below this rate images are made as small as possible, because the link takes longer for a
    kilobyte than the encoder takes to save it."""


DEFAULT_LIMITS = UnitLimits()


class UnitKind(StrEnum):
    """The kinds of units."""

    IDR = "idr"
    DELTA = "delta"
    PATCH = "patch"
    NOTHING = "nothing"
    """No unit, because every damaged pixel is what it was."""


@dataclass(frozen=True, slots=True)
class BuiltUnit:
    """A unit, and what the schedule has to know about it."""

    kind: UnitKind
    payload: bytes = b""
    calm: bool = False
    """Only for video: so little was damaged that a patch might have been tried."""
    refused: bool = False
    """Only for video: a patch was tried and does not pay."""
    blurry: bool = False
    """Viewers see places less sharp than they are."""
    areas: tuple[Rect, ...] = ()
    """Where viewers paint a delta. Empty means everywhere."""
