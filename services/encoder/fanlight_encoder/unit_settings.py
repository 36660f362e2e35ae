"""What can be set of the size of units, and of what a patch may cost: a part of EncoderSettings."""

from dataclasses import fields

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS as _DEFAULT
from fanlight_encoder.core.unit_kinds import UnitLimits


class UnitSettings(BaseSettings):
    """Patches, deltas and refinement. What was measured: decisions 11 and 12."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_ENCODER_", frozen=True)

    patch_ms: float = Field(
        default=_DEFAULT.patch_ms,
        gt=0,
        le=10_000,
        description="A patch takes the link at most so long; anything larger is better off as "
        "video.",
    )
    patch_bytes: int = Field(
        default=_DEFAULT.patch_bytes, ge=100, description="Nor is it larger than this."
    )
    delta_ms: float = Field(
        default=_DEFAULT.delta_ms,
        gt=0,
        le=10_000,
        description="A delta takes the link at most so long; an IDR may take all of buffer_ms.",
    )
    idr_credit_ms: float = Field(
        default=_DEFAULT.idr_credit_ms,
        ge=0,
        le=10_000,
        description="An IDR waits until the link could carry so much of it at once.",
    )
    refine_ms: float = Field(
        default=_DEFAULT.refine_ms,
        gt=0,
        le=10_000,
        description="A unit that only makes things sharper takes the link at most so long: fresh "
        "changes may have to wait behind it.",
    )
    refine_bytes: int = Field(
        default=_DEFAULT.refine_bytes, ge=100, description="Nor is it larger than this."
    )
    refine_pause_ms: float = Field(
        default=_DEFAULT.refine_pause_ms,
        ge=0,
        le=10_000,
        description="Least time from one such unit to the next.",
    )
    refine_after_ms: float = Field(
        default=_DEFAULT.refine_after_ms,
        ge=0,
        le=10_000,
        description="They begin so long after the last change that became video: the next would "
        "undo them all.",
    )
    refine_turn: int = Field(
        default=_DEFAULT.refine_turn,
        ge=1,
        le=1000,
        description="After so many patches of something new one such unit has its turn, however "
        "busy the desk.",
    )
    spare_repeats_kbps: int = Field(
        default=_DEFAULT.spare_repeats_kbps,
        ge=0,
        description="Below this rate the last picture is encoded ten times more before places are "
        "made sharp one by one: all of the desk can then be read sooner (decision 19).",
    )
    changed_px: int = Field(
        default=_DEFAULT.changed_px,
        ge=0,
        description="Not more pixels than this become images of a patch, once scrolling is taken "
        "out.",
    )
    picture_px: int = Field(
        default=_DEFAULT.picture_px,
        ge=0,
        description="What looks like a picture is patched up to this size: a JPEG of more is "
        "video, only dearer.",
    )
    sharp_qp: float = Field(
        default=_DEFAULT.sharp_qp,
        ge=0,
        le=51,
        description="Up to this quantiser video of a picture is as good as an image of it. (Text "
        "is not, for its colours.)",
    )
    small_effort_kbps: int = Field(
        default=_DEFAULT.small_effort_kbps,
        ge=0,
        description="Below this rate images are made as small as can be: a kilobyte takes the link "
        "longer than that takes the encoder.",
    )
    small_effort_px: int = Field(
        default=_DEFAULT.small_effort_px,
        ge=0,
        description="So are images of up to so many pixels at any rate: of a line of text that "
        "takes 1 ms more, and browsers decode it sooner.",
    )

    @property
    def unit_limits(self) -> UnitLimits:
        """The settings as the pure modules take them."""
        return UnitLimits(**{field.name: getattr(self, field.name) for field in fields(UnitLimits)})
