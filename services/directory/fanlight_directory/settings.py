"""The directory's settings: `FANLIGHT_DIRECTORY_*`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DirectorySettings(BaseSettings):
    """How streams are spread over encoders."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_DIRECTORY_", frozen=True)

    locality: float = Field(
        default=0.5,
        ge=0,
        le=10,
        description="An encoder on another host than the desk counts as so much fuller than it is, "
        "1 being its capacity: frames of a 1080p desk that change 60 times a second are 500 MB/s "
        "on the network, and nothing in shared memory. 0: it makes no difference.",
    )
    moves_per_s: int = Field(
        default=10,
        ge=0,
        le=1000,
        description="At most so many running streams move to another encoder in a second, to even "
        "out the load or to come to their desk's host; 0: none.",
    )
