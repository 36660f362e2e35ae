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


class Prices:
    """What images cost lately, bytes a pixel, to tell beforehand what the next will.

    Lossless text takes 0.05 to 0.3, a JPEG of a photograph 0.3, of noise more than 1.
    """

    OVERHEAD_BYTES = 80
    """Of an image of a few pixels."""
    _NEW_SHARE = 0.3
    _FORGIVEN = 0.97

    def __init__(self) -> None:
        self._per_px = {True: 0.1, False: 0.35}

    def guess(self, px: int, *, lossless: bool) -> int:
        """What an image of so many pixels will take."""
        return self.OVERHEAD_BYTES + int(px * self._per_px[lossless])

    def px_for(self, size_bytes: int, *, lossless: bool) -> int:
        """How many pixels will go into so many bytes."""
        return int(max(0, size_bytes - self.OVERHEAD_BYTES) / self._per_px[lossless])

    def paid(self, px: int, size_bytes: int, *, lossless: bool) -> None:
        """What one took. Tiny ones tell nothing."""
        if px >= 1000:
            now = max(0.005, (size_bytes - self.OVERHEAD_BYTES) / px)
            # Up at once, down slowly: too small a unit costs little, too large a one costs time.
            fall = self._NEW_SHARE * (self._per_px[lossless] - now)
            self._per_px[lossless] = max(now, self._per_px[lossless] - fall)

    def too_dear(self) -> None:
        """Nothing was bought, for fear of the price: which may be lower next time."""
        self._per_px[True] *= self._FORGIVEN
