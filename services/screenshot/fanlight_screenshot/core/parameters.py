"""The parameters of a screenshot: what a query may say, and what it means.

Pure. Parameters of unknown names are ignored, so that a newer viewer works with an older service.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.core.errors import FanlightError
from fanlight_common.protocol.screenshot_wait import WAIT_MAX_S

RATE_MIN, RATE_MAX = 1000, 1_000_000_000
_VIEWER = re.compile(r"[A-Za-z0-9._-]{0,64}")


class ScreenshotFormat(StrEnum):
    """How the picture is encoded."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """Return the value of the header Content-Type."""
        return f"image/{self.value}"


@dataclass(frozen=True, slots=True)
class Parameters:
    """A screenshot as it was asked for."""

    format: ScreenshotFormat = ScreenshotFormat.JPEG
    quality: int = 70
    """1 to 100; 0 for PNG, which has no quality."""
    scale: float = 1.0
    """0.1 to 1, of the width and of the height, in steps of 0.001."""
    cursor: bool = False
    """Whether the pointer is drawn into the picture."""
    wait_s: float = 0.0
    """How long the request may wait until the desk differs from what If-None-Match names."""
    delta: bool = False
    """Whether the answer may be a patch."""
    viewer: str = ""
    """The name of the client, whose requests in flight are answered one after the other."""
    rate: int = 0
    """Bytes a second that the client's link carries. 0 means unknown."""


class BadParameterError(FanlightError):
    """A parameter's value is not one of those that are allowed."""

    def __init__(self, parameter: str, value: str, allowed: str) -> None:
        super().__init__(f"{parameter}={value[:40]}: wants {allowed}")
        self.parameter = parameter
        self.allowed = allowed


def parse(query: Mapping[str, str]) -> Parameters:
    """Return the parameters of a query. Raises BadParameterError for the first wrong one."""
    format_ = _format(query.get("format", ScreenshotFormat.JPEG))
    quality = _quality(query.get("quality", "70"))
    return Parameters(
        format_,
        0 if format_ is ScreenshotFormat.PNG else quality,
        _scale(query.get("scale", "1")),
        _flag("cursor", query.get("cursor", "0")),
        _wait(query.get("wait", "0")),
        _flag("delta", query.get("delta", "0")),
        _viewer(query.get("viewer", "")),
        _rate(query.get("rate", "0")),
    )


def _format(value: str) -> ScreenshotFormat:
    if value not in tuple(ScreenshotFormat):
        raise BadParameterError("format", value, "jpeg, png or webp")
    return ScreenshotFormat(value)


def _quality(value: str) -> int:
    # isascii is asked too, because isdecimal also takes the digits of other scripts.
    if not (value.isascii() and value.isdecimal() and len(value) <= 3 and 1 <= int(value) <= 100):
        raise BadParameterError("quality", value, "a whole number from 1 to 100")
    return int(value)


def _scale(value: str) -> float:
    try:
        scale = round(float(value), 3)
    except (ValueError, OverflowError):
        scale = 0.0
    if not 0.1 <= scale <= 1.0:  # This refuses NaN, too.
        raise BadParameterError("scale", value, "a number from 0.1 to 1")
    return scale


def _flag(parameter: str, value: str) -> bool:
    if value not in ("0", "1"):
        raise BadParameterError(parameter, value, "0 or 1")
    return value == "1"


def _wait(value: str) -> float:
    try:
        wait_s = float(value)
    except (ValueError, OverflowError):
        wait_s = -1.0
    if not 0 <= wait_s <= WAIT_MAX_S:  # This refuses NaN, too.
        raise BadParameterError("wait", value, f"seconds from 0 to {WAIT_MAX_S}")
    return wait_s


def _viewer(value: str) -> str:
    if not _VIEWER.fullmatch(value):
        raise BadParameterError("viewer", value, "up to 64 letters, digits, dots, - and _")
    return value


def _rate(value: str) -> int:
    fits = value.isascii() and value.isdecimal() and len(value) <= 10
    if not (fits and (int(value) == 0 or RATE_MIN <= int(value) <= RATE_MAX)):
        raise BadParameterError("rate", value, f"0, or {RATE_MIN} to {RATE_MAX} bytes a second")
    return int(value)
