"""The directory's settings, `FANLIGHT_DIRECTORY_*`.

Owns what an operator would turn of the placement of streams; the other constants stand beside their
algorithm (`core.placement`, `service`). The settings are read once, in `__main__`, and are frozen.
"""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DirectorySettings(BaseSettings):
    """How streams are spread over encoders."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_DIRECTORY_", frozen=True)

    locality: float = Field(
        default=0.5,
        ge=0,
        le=10,
        description="An encoder on another host than the desk counts as fuller by this than it is, "
        "1 being its capacity: frames of a 1080p desk that change 60 times a second are 500 MB/s "
        "on the network, and nothing in shared memory. 0: it makes no difference.",
    )
    moves_per_s: int = Field(
        default=10,
        ge=0,
        le=1000,
        description="At most this many running streams move to another encoder in a second, to "
        "even out the load or to come to their desk's host; 0: none.",
    )
