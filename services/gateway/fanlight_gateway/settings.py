"""The gateway's settings, `FANLIGHT_GATEWAY_*`, and the viewer's, `FANLIGHT_VIEWER_*`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_gateway.core.origins import normal_origin
from fanlight_gateway.video_settings import VideoSettings


class GatewaySettings(VideoSettings):
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
    desk_wait_s: float = Field(
        default=1.0,
        gt=0,
        le=60,
        description="How long a desk may take to become known before it counts as never seen.",
    )
    hello_timeout_s: float = Field(
        default=10, gt=0, le=300, description="How long a viewer may take to say hello."
    )
    slow_timeout_s: float = Field(
        default=20, gt=0, le=600, description="A viewer that reads nothing for so long is dropped."
    )
    idr_retry_ms: int = Field(
        default=1000,
        ge=50,
        le=60_000,
        description="An IDR that was asked for and did not come is asked for again after this.",
    )
    idr_interval_ms: int = Field(
        default=250, ge=0, le=60_000, description="Least time between two IDR requests of a stream."
    )
    http_hold_s: float = Field(
        default=20,
        gt=0,
        le=300,
        description="How long a request of a viewer without WebSocket is held while there is "
        "nothing to tell; less than any proxy's own limit.",
    )
    http_timeout_s: float = Field(
        default=10,
        gt=0,
        le=300,
        description="A viewer without WebSocket that is not heard of for so long is dropped.",
    )
    message_rate: float = Field(
        default=1000, gt=0, description="Messages a second that a viewer may send."
    )
    message_burst: int = Field(
        default=2000, ge=1, description="Messages that a viewer may send at once."
    )
    bad_message_limit: int = Field(
        default=20, ge=1, description="Bad messages after which a viewer is closed."
    )
    drain_s: float = Field(
        default=0,
        ge=0,
        le=60,
        description="After SIGTERM: how long /readyz says no while all goes on, before viewers are "
        "told to come back. A load balancer that looks every so often wants a little more than "
        "that; one that tries another server where a connection is refused wants none.",
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
        """The allowed origins, normalised."""
        found = (normal_origin(origin.strip()) for origin in self.allowed_origins.split(","))
        return frozenset(origin for origin in found if origin)


class ViewerSettings(BaseSettings):
    """The viewer's constants; every browser gets them in Welcome: `web/protocol/settings.js`."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_VIEWER_", frozen=True)

    rtt_limit_ms: float = Field(default=150, gt=0, description="Round trips below this are good.")
    sustain_ms: float = Field(
        default=3000, ge=0, description="How long something has to be bad before it decides."
    )
    age_limit_ms: float = Field(
        default=1000, gt=0, description="The oldest picture that still counts as live."
    )
    retry_measure_ms: float = Field(
        default=1000, gt=0, description="How long a retry measures the base RTT, without video."
    )
    inflation_limit_ms: float = Field(
        default=150, gt=0, description="After a retry: RTT above its base that is too much."
    )
    ping_interval_ms: float = Field(default=250, ge=20, description="Time between pings.")
    screenshot_min_interval_ms: float = Field(
        default=100, gt=0, description="Shortest time between two screenshots."
    )
    screenshot_max_interval_ms: float = Field(
        default=500, gt=0, description="Longest time between two screenshots while all is well."
    )
    screenshot_timeout_ms: float = Field(
        default=5000,
        gt=0,
        description="A screenshot that has not come so long after the time for which it may be "
        "held is given up; at once where the connection was lost and is back.",
    )
    screenshot_wait_ms: float = Field(
        default=20_000,
        ge=0,
        le=25_000,
        description="A screenshot is held so long until the desk changes.",
    )
    screenshot_in_flight: int = Field(
        default=4, ge=1, le=6, description="Screenshots asked for at a time while they are small."
    )
    screenshot_small_share: float = Field(
        default=0.5,
        gt=0,
        le=10,
        description="Small is what the link carries in this share of its base RTT.",
    )
    screenshot_quality_start: int = Field(
        default=70, ge=1, le=100, description="JPEG quality of the first screenshot."
    )
    screenshot_quality_min: int = Field(default=10, ge=1, le=100, description="Lowest quality.")
    screenshot_quality_max: int = Field(default=90, ge=1, le=100, description="Highest quality.")
    screenshot_slow_ms: float = Field(
        default=500, gt=0, description="A screenshot slower than this lowers the quality."
    )
    screenshot_fast_ms: float = Field(
        default=300, gt=0, description="A screenshot faster than this raises it."
    )
    screenshot_quality_down: int = Field(
        default=10, ge=1, le=100, description="A slow screenshot lowers the quality by so much."
    )
    screenshot_quality_up: int = Field(
        default=5, ge=1, le=100, description="A fast screenshot raises the quality by so much."
    )
    screenshot_scale_min: float = Field(
        default=0.25,
        ge=0.1,
        le=1,
        description="Least scale of screenshots, where the lowest quality is still slow.",
    )
    screenshot_scale_return_fetches: int = Field(
        default=3, ge=1, description="So many fast screenshots in a row, and the scale doubles."
    )
    decoder_backlog_units: int = Field(
        default=4, ge=1, description="More units waiting in the decoder: on to the next IDR."
    )
    decoder_error_limit: int = Field(
        default=3, ge=1, description="Decoder errors within a minute: fall back to screenshots."
    )
    paint_timeout_ms: float = Field(
        default=5000, gt=0, description="Units for so long without a painted picture: an error."
    )
    websocket_open_timeout_ms: float = Field(
        default=5000, gt=0, description="A WebSocket that brought nothing by then is given up."
    )
    websocket_failure_limit: int = Field(
        default=2, ge=1, description="WebSockets that fail in a row before plain HTTP is used."
    )
    websocket_proven_ms: float = Field(
        default=5000,
        ge=0,
        description="A WebSocket that showed a picture and lasted so long did not fail.",
    )
    websocket_proven_factor: int = Field(
        default=5,
        ge=1,
        description="So many times the failures before plain HTTP, where a WebSocket has worked.",
    )
    websocket_retry_min_ms: float = Field(
        default=5000, gt=0, description="On plain HTTP: first wait before a WebSocket is tried."
    )
    websocket_retry_max_ms: float = Field(
        default=300_000, gt=0, description="On plain HTTP: longest wait between such tries."
    )
    http_ping_interval_ms: float = Field(
        default=1000, ge=20, description="Time between pings on plain HTTP."
    )
    http_timeout_ms: float = Field(
        default=5000, gt=0, description="A plain HTTP request without answer is sent again."
    )
    http_lost_ms: float = Field(
        default=10_000, gt=0, description="Plain HTTP on which requests fail for so long is lost."
    )
    http_input_age_ms: float = Field(
        default=2000,
        gt=0,
        description="Input that plain HTTP could not deliver by then is not delivered later.",
    )
    silence_limit_ms: float = Field(
        default=3000,
        gt=0,
        description="A WebSocket on which nothing at all was heard for so long is left for a new "
        "one, where TCP would wait ever longer before it tries again.",
    )
    silence_memory_ms: float = Field(
        default=60_000,
        ge=0,
        description="That twice within this time, with video: fall back to screenshots.",
    )
    reconnect_min_ms: float = Field(
        default=250, gt=0, description="First wait before reconnecting."
    )
    reconnect_max_ms: float = Field(
        default=10_000, gt=0, description="Longest wait before reconnecting."
    )
