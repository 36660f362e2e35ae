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
    """How much a unit may take, and when there may be one. Defaults as in `unit_settings`."""

    patch_ms: float = 50
    patch_bytes: int = 48_000
    delta_ms: float = 50
    idr_credit_ms: float = 50
    refine_ms: float = 40
    refine_bytes: int = 32_000
    refine_pause_ms: float = 15
    refine_after_ms: float = 150
    refine_turn: int = 8
    spare_repeats_kbps: int = 1500
    changed_px: int = 400_000
    picture_px: int = 20_000
    sharp_qp: float = 24
    small_effort_kbps: int = 8000
    small_effort_px: int = 40_000


DEFAULT_LIMITS = UnitLimits()


class Kind(StrEnum):
    """What was made."""

    IDR = "idr"
    DELTA = "delta"
    PATCH = "patch"
    NOTHING = "nothing"
    """There was damage, and every pixel is what it was."""


@dataclass(frozen=True, slots=True)
class Made:
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
