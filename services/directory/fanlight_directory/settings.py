"""The directory's settings: `FANLIGHT_DIRECTORY_*`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DirectorySettings(BaseSettings):
    """How patient the directory is."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_DIRECTORY_", frozen=True)

    # A peer reconnects within 0.5 s (sockets.py) and its next heartbeat is 0.25 s away at most.
    settle_s: float = Field(
        default=1.0,
        ge=0,
        le=60,
        description="How long a directory that just started listens to what encoders hold before "
        "it gives leases itself.",
    )
    lease_grace_s: float = Field(
        default=2.0,
        ge=0,
        le=60,
        description="How long a lease outlives its last subscription: a page being reloaded.",
    )
    forget_s: float = Field(
        default=3600.0,
        ge=1,
        description="How long something that is gone is still told to those who ask.",
    )
