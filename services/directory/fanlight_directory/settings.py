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
    locality: float = Field(
        default=0.5,
        ge=0,
        le=10,
        description="An encoder on another host than the desk counts as so much fuller than it is, "
        "1 being its capacity: frames of a 1080p desk that change 60 times a second are 500 MB/s "
        "on the network, and nothing in shared memory. 0: it makes no difference.",
    )
    move_margin: float = Field(
        default=0.1,
        ge=0.01,
        le=10,
        description="A stream that runs moves to another encoder where that is better by more "
        "than this, 1 being an encoder's capacity.",
    )
    moves_per_s: int = Field(
        default=10,
        ge=0,
        le=1000,
        description="So many streams that run move in a second at most, to even out the load or "
        "to come to their desk's host; 0: none.",
    )
