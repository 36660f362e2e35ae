"""What an operator can set of capture (FANLIGHT_CAPTURE_*), read once in `__main__`.

All other numbers are constants beside their algorithm: `core.held_keys.HeldKeyLimits`,
`core.typing.TypingLimits`, `x11.pointer.PollIntervals`, `x11.connection.ANSWER_TIMEOUT_S`. Owns and
drops nothing.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_capture.core.pattern import PatternMode
from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.names import check_name


class CaptureSettings(BaseSettings):
    """One desk, and where its pixels come from."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_CAPTURE_", frozen=True)

    desk: str = Field(
        default="main", description="Name of the desk: lower-case letters, digits, - and _."
    )
    source: Literal["x11", "pattern"] = Field(
        default="x11", description="x11: an X display. pattern: a synthetic picture, for tests."
    )
    display: str = Field(
        default=":0", description="The X display, like :0; empty takes DISPLAY of the environment."
    )
    max_fps: float = Field(default=60.0, gt=0, le=240, description="The most pictures a second.")
    pattern: str = Field(
        default="1280x720@30",
        description="Size of the synthetic picture in pixels, and how many times a second it "
        "changes; `@0`: never.",
    )
    pattern_input_log: Path | None = Field(
        default=None,
        description="File to which the synthetic desk appends each input as a line of JSON.",
    )

    @field_validator("desk")
    @classmethod
    def _desk_is_a_name(cls, value: str) -> str:
        try:
            return check_name(value)
        except ProtocolError as error:
            raise ValueError(str(error)) from None

    @field_validator("pattern")
    @classmethod
    def _pattern_is_a_mode(cls, value: str) -> str:
        PatternMode.parse(value)
        return value

    @property
    def display_name(self) -> str:
        """The X display to connect to: `display`, or DISPLAY of the environment."""
        return self.display or os.environ.get("DISPLAY", "")

    @property
    def pattern_mode(self) -> PatternMode:
        """`pattern`, parsed."""
        return PatternMode.parse(self.pattern)
