"""The parameters of a screenshot: what a query may say, and what it means. Pure.

Names that are not known are ignored, so that a newer viewer works with an older service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.errors import FanlightError


class Format(StrEnum):
    """How the picture is encoded."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """For Content-Type."""
        return f"image/{self.value}"


@dataclass(frozen=True, slots=True)
class Parameters:
    """A screenshot as it was asked for."""

    format: Format = Format.JPEG
    quality: int = 70
    """1 to 100; 0 for PNG, which has none."""
    scale: float = 1.0
    """0.1 to 1, of width and height each; in steps of 0.001."""
    cursor: bool = False
    """Is the pointer drawn into the picture?"""


class BadParameterError(FanlightError):
    """A parameter's value is not one of those that are allowed."""

    def __init__(self, parameter: str, value: str, allowed: str) -> None:
        super().__init__(f"{parameter}={value[:40]}: wants {allowed}")
        self.parameter = parameter
        self.allowed = allowed


def parse(query: Mapping[str, str]) -> Parameters:
    """The parameters in a query. Raises BadParameterError for the first that is wrong."""
    format_ = _format(query.get("format", Format.JPEG))
    quality = _quality(query.get("quality", "70"))
    return Parameters(
        format_,
        0 if format_ is Format.PNG else quality,
        _scale(query.get("scale", "1")),
        _cursor(query.get("cursor", "0")),
    )


def _format(value: str) -> Format:
    if value not in tuple(Format):
        raise BadParameterError("format", value, "jpeg, png or webp")
    return Format(value)


def _quality(value: str) -> int:
    # isascii: isdecimal also takes the digits of other scripts.
    if not (value.isascii() and value.isdecimal() and len(value) <= 3 and 1 <= int(value) <= 100):
        raise BadParameterError("quality", value, "a whole number from 1 to 100")
    return int(value)


def _scale(value: str) -> float:
    try:
        scale = round(float(value), 3)
    except (ValueError, OverflowError):
        scale = 0.0
    if not 0.1 <= scale <= 1.0:  # also false for NaN
        raise BadParameterError("scale", value, "a number from 0.1 to 1")
    return scale


def _cursor(value: str) -> bool:
    if value not in ("0", "1"):
        raise BadParameterError("cursor", value, "0 or 1")
    return value == "1"
