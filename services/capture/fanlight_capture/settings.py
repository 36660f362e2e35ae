"""The settings of capture, read once in `__main__`."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_capture.core import pattern
from fanlight_common.core.errors import ProtocolError
from fanlight_common.core.names import check_name
from fanlight_common.protocol.frames import MAX_SIDE


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
    max_fps: float = Field(
        default=60.0, gt=0, le=240, description="At most so many pictures a second."
    )
    silence_s: float = Field(
        default=3.0,
        gt=0,
        le=60,
        description="A viewer that holds keys and is not heard of for so long lets go of them.",
    )
    pointer_interval_s: float = Field(
        default=0.033,
        ge=0.005,
        le=1,
        description="How often the pointer's position is looked at while somebody watches.",
    )
    pointer_rest_interval_s: float = Field(
        default=0.125,
        ge=0.005,
        le=1,
        description="The same once it has not moved for a second; the first movement of a program "
        "in the desk may be seen so much later.",
    )
    text_settle_s: float = Field(
        default=0.15,
        ge=0,
        le=5,
        description="A spare key that typed a character keeps it for so long, so that slow "
        "programs have time to read the changed keymap.",
    )
    display_timeout_s: float = Field(
        default=10.0,
        gt=0.1,
        le=300,
        description="A display that answers nothing for so long counts as gone.",
    )
    pattern_width: int = Field(
        default=1280,
        ge=pattern.MIN_WIDTH,
        le=MAX_SIDE,
        description="Width of the synthetic picture, pixels.",
    )
    pattern_height: int = Field(
        default=720,
        ge=pattern.MIN_HEIGHT,
        le=MAX_SIDE,
        description="Height of the synthetic picture, pixels.",
    )
    pattern_fps: float = Field(
        default=30.0,
        ge=0,
        le=240,
        description="How often the synthetic picture changes a second; 0: never.",
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

    @property
    def display_name(self) -> str:
        """The X display to connect to."""
        return self.display or os.environ.get("DISPLAY", "")
