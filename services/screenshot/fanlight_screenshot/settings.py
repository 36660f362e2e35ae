"""The screenshot service's settings, `FANLIGHT_SCREENSHOT_*`.

Owns what an operator would turn; the constants of the algorithms are in `core.tuning`. The settings
are read once, in `__main__`, and are frozen.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ScreenshotSettings(BaseSettings):
    """What an operator can set. Read once, in `__main__`."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_SCREENSHOT_", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address of the HTTP server.")
    port: int = Field(
        default=8081, ge=0, le=65535, description="Port of the HTTP server; 0 takes a free one."
    )
    url: str = Field(
        default="",
        description="Base URL under which gateways reach this service. By default host and port.",
    )
    secret_file: Path | None = Field(
        default=None,
        description="The secret that signs tokens, the gateways' own, made if it is not there. "
        "With it every request wants a token; without it none does, so the port has to be private. "
        "Wanted where the bus is on the network.",
    )
    threads: int = Field(default=2, ge=1, le=64, description="Pictures encoded at a time.")
    max_pending: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Pictures under way at a time; past it requests are answered with 503.",
    )
    max_waiting: int = Field(
        default=4096,
        ge=1,
        le=100_000,
        description="Requests held with wait= at a time, nearly all of which may be for one desk; "
        "past it they are answered with 503.",
    )
    keep_pictures: int = Field(
        default=32,
        ge=1,
        le=10_000,
        description="Desks whose last picture is kept, to be served when the desk has gone; one of "
        "full HD is 8 MB. A quarter as many pictures are kept beside to make patches from.",
    )
