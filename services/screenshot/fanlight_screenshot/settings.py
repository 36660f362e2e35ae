"""The screenshot service's settings, `FANLIGHT_SCREENSHOT_*`."""

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
    reuse_ms: int = Field(
        default=20,
        ge=0,
        le=10_000,
        description="A picture known to be current this long before a request answers it.",
    )
    grab_retry_ms: int = Field(
        default=100,
        ge=10,
        le=10_000,
        description="A grab that was not answered is asked for again after this.",
    )
    grab_timeout_ms: int = Field(
        default=1000,
        ge=10,
        le=60_000,
        description="After this the last picture is served instead, marked stale.",
    )
    threads: int = Field(default=2, ge=1, le=64, description="Pictures encoded at a time.")
    max_pending: int = Field(
        default=64,
        ge=1,
        le=10_000,
        description="Pictures under way at a time; past it requests are answered with 503.",
    )
    keep_encodings: int = Field(
        default=8, ge=1, le=1000, description="Encoded pictures kept for each desk."
    )
    keep_pictures: int = Field(
        default=32,
        ge=1,
        le=10_000,
        description="Desks whose last picture is kept, to be served when the desk has gone.",
    )
    max_waiting: int = Field(
        default=4096,
        ge=1,
        le=100_000,
        description="Requests held with wait= at a time; past it they are answered with 503.",
    )
    max_waiting_desk: int = Field(
        default=4000,
        ge=1,
        le=100_000,
        description="Of those, so many for one desk: a thousand viewers with four each.",
    )
    max_waiting_viewer: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="Of those, so many for one viewer= of a desk; who gives no name is not counted "
        "by it.",
    )
    next_retry_s: float = Field(
        default=2,
        gt=0,
        le=60,
        description="While requests are held, capture is asked again this often for a change.",
    )
    keep_bases: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="Pictures kept, of all desks, to make patches from; one of full HD is 8 MB.",
    )
    keep_views: int = Field(
        default=256,
        ge=1,
        le=100_000,
        description="Viewers, and pictures as they have them, remembered for each desk.",
    )
    min_interval_ms: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="Least time between two patches for one viewer.",
    )
    rate_start: int = Field(
        default=80_000,
        ge=1000,
        le=1_000_000_000,
        description="Bytes a second that a link carries whose viewer does not know it yet.",
    )
    patch_ms: int = Field(
        default=100,
        ge=10,
        le=10_000,
        description="A patch takes the viewer's link at most this long: coarser beyond it.",
    )
    refine_ms: int = Field(
        default=100,
        ge=10,
        le=10_000,
        description="A patch that only makes coarse places sharp takes the link this long.",
    )
    refine_after_ms: int = Field(
        default=300,
        ge=0,
        le=10_000,
        description="A coarse place is made sharp when it has not changed for so long.",
    )
    fast_rate: int = Field(
        default=4_000_000,
        ge=1000,
        le=1_000_000_000,
        description="Bytes a second from which on patches are encoded quickly, not tightly.",
    )
    pointer_keep_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description="The pointer is followed this long after the last request with cursor=1.",
    )
    pointer_wait_ms: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description="How long the first request with cursor=1 waits to hear of the pointer.",
    )
