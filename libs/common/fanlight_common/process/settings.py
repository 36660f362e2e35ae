"""Settings: one frozen class a service, read once from the environment, in `__main__`.

`load` turns a wrong or misspelt variable into a ConfigurationError that names it. Owns and drops
nothing; may be called on any thread.
"""

import os
import tempfile
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_common.core.errors import ConfigurationError

HEARTBEATS_A_TIMEOUT = 4
SLOWEST_HEARTBEAT_S = 1.0
"""The most seconds from one heartbeat to the next, however long `heartbeat_timeout_s` is, so that
a killed process is noticed within the next second."""


class BusSettings(BaseSettings):
    """What every process needs to find the bus."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_", frozen=True)

    runtime_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()) / f"fanlight-{os.getuid()}",
        description="Private directory (mode 0700) of the ipc:// sockets.",
    )
    id: str = Field(
        default="",
        description="Name of this process on the bus; a restarted process keeps it. "
        "By default kind and process id; on a network with the host's name between them.",
    )
    bus_directory: str = Field(
        default="",
        pattern=r"^$|^tcp://(\[[0-9a-fA-F:]+\]|[^/:#\[\]]+):[1-9][0-9]{0,4}$",
        description="Where the directory is, on a network: tcp://HOST:PORT. Its outlet is at PORT, "
        "its inlet at PORT + 1. Empty: everything is on this machine, over ipc://.",
    )
    bus_keys: Path | None = Field(
        default=None,
        description="File of the bus's CURVE keys, wanted on a network. The directory makes it if "
        "it is not there; the others wait for it.",
    )
    bus_address: str = Field(
        default="",
        description="Host or address under which others on the network reach this process. "
        "By default the local address of the route to the directory.",
    )
    bus_port: int = Field(
        default=0,
        ge=0,
        le=65534,
        description="Port of this process's outlet on the network, its inlet has the next one; "
        "0 takes free ones.",
    )
    heartbeat_timeout_s: float = Field(
        default=1.0,
        gt=0.05,
        le=60,
        description="A process that is silent for this time is dead. All processes of a bus "
        "need the same value: each sends four heartbeats in this time, at least one a second.",
    )
    health_host: str = Field(
        default="127.0.0.1", description="Address of /healthz and /metrics of each service."
    )
    health_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of /healthz and /metrics; 0 takes a free one and logs it.",
    )
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="DEBUG, INFO, WARNING or ERROR.",
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="text: lines of key=value. json: one object a line."
    )

    @property
    def heartbeat_interval_s(self) -> float:
        """Seconds between two heartbeats of a process. Three may be late before it is dead."""
        return min(self.heartbeat_timeout_s / HEARTBEATS_A_TIMEOUT, SLOWEST_HEARTBEAT_S)


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """Read `kind` from the environment.

    Raises ConfigurationError that names each wrong variable, and each variable that has the
    service's prefix and no meaning (it is probably misspelt, and would otherwise be ignored).
    """
    prefix = kind.model_config.get("env_prefix", "")
    if prefix != BusSettings.model_config["env_prefix"]:
        known = {f"{prefix}{name}".upper() for name in kind.model_fields}
        unknown = sorted(k for k in os.environ if k.startswith(prefix) and k not in known)
        if unknown:
            raise ConfigurationError(f"unknown setting {', '.join(unknown)}")
    try:
        return kind()
    except ValidationError as error:
        lines = [
            f"{prefix}{'.'.join(str(part) for part in item['loc'])}".upper() + f": {item['msg']}"
            for item in error.errors()
        ]
        raise ConfigurationError("; ".join(lines)) from None
