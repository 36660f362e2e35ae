"""The gateway's settings, `FANLIGHT_GATEWAY_*`, and the viewer's, `FANLIGHT_VIEWER_*`.

Owns only what an operator would turn. Constants of an algorithm stand beside it (`limits` has all
of them), and the viewer's constants stand in `web/`. Read once, in `__main__`, and frozen.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_gateway.core.congestion import CongestionLimits
from fanlight_gateway.core.origins import normal_origin
from fanlight_gateway.core.transport_limits import TransportLimits

_PATH = CongestionLimits()
_TRANSPORT = TransportLimits()


class GatewaySettings(BaseSettings):
    """What an operator can set. Read once, in `__main__`."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_GATEWAY_", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address of the public HTTP server.")
    port: int = Field(
        default=8080, ge=0, le=65535, description="Port of the public server; 0 takes a free one."
    )
    tcp_congestion: str = Field(
        default="cubic",
        pattern=r"^[a-z0-9_]{0,15}$",
        description="TCP's congestion control on viewers' connections; empty leaves it to the "
        "system. The gateway keeps the queue short itself. BBR nearly stops for 200 ms "
        "every ten seconds (age of a scrolling terminal at 2 Mbit/s, 95th percentile: 207 ms, with "
        "cubic 129), but carries more where many packets are lost.",
    )
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*/?$",
        description="Path under which a reverse proxy, which strips it, serves the gateway.",
    )
    secret_file: Path | None = Field(
        default=None,
        description="The secret that signs tokens, made if it is not there. "
        "By default fanlight/secret in the user's state directory.",
    )
    allowed_origins: str = Field(
        default="",
        description="Further origins whose pages may open a WebSocket, separated by commas; "
        "the gateway's own always may.",
    )
    cookie_secure: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="The cookie's Secure flag; auto: when the browser came over https.",
    )
    http_long_poll_s: float = Field(
        default=_TRANSPORT.http_long_poll_s,
        gt=0,
        le=300,
        description="How long a request of a viewer without WebSocket waits while there is "
        "nothing to tell; less than any proxy's own limit.",
    )
    drain_s: float = Field(
        default=0,
        ge=0,
        le=60,
        description="After SIGTERM: how long /readyz says no while all goes on, before viewers are "
        "told to come back. A load balancer that looks at intervals wants a little more than "
        "one interval; one that tries another server where a connection is refused wants none.",
    )
    start_kbps: int = Field(
        default=int(_PATH.start_kbps),
        ge=_PATH.min_kbps,
        le=200_000,
        description="What a new viewer's network is taken to carry, kbit/s, until it has shown.",
    )
    max_kbps: int = Field(
        default=int(_PATH.max_kbps),
        ge=_PATH.min_kbps,
        le=200_000,
        description="The most that a viewer is sent, kbit/s; the encoder has a ceiling of its own.",
    )
    max_viewers: int = Field(default=1000, ge=1, description="Viewers at a time, of all desks.")

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, value: str) -> str:
        for origin in value.split(","):
            if origin.strip() and normal_origin(origin.strip()) is None:
                raise ValueError(f"{origin.strip()!r} is no origin (https://host or with :port)")
        return value

    @property
    def origins(self) -> frozenset[str]:
        """Return the allowed origins, normalised."""
        found = (normal_origin(origin.strip()) for origin in self.allowed_origins.split(","))
        return frozenset(origin for origin in found if origin)


class ViewerSettings(BaseSettings):
    """What an operator can set of the viewer.

    Every browser gets these in Welcome, by name, and lays them over its own constants
    (`web/protocol/settings.js`)."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_VIEWER_", frozen=True)

    rtt_limit_ms: float = Field(
        default=150,
        gt=0,
        description="A round trip of at least this is bad. After a person's retry, only its rise "
        "over the base RTT that the retry measured counts.",
    )
    sustain_ms: float = Field(
        default=3000,
        ge=0,
        description="How long round trip or age has to be bad before the page leaves video.",
    )
    age_limit_ms: float = Field(
        default=1000,
        gt=0,
        description="Pictures older than this are not live.",
    )
    ping_interval_ms: float = Field(default=250, ge=20, description="Time between pings.")
    screenshot_min_interval_ms: float = Field(
        default=100, gt=0, description="Shortest time between two screenshots."
    )
    screenshot_quality_max: int = Field(
        default=90, ge=10, le=100, description="Highest JPEG quality of screenshots."
    )
