"""What can be set of video on its way to a viewer: `FANLIGHT_GATEWAY_*`, a part of GatewaySettings.

How the constants work together is in `congestion`, `gate` and `ladder`; what was measured with them
in docs/freshness.md.
"""

from dataclasses import fields
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from fanlight_common.core.names import Rendition
from fanlight_gateway.core.congestion import CongestionLimits
from fanlight_gateway.core.gate import GateLimits
from fanlight_gateway.core.ladder import LadderLimits


class VideoSettings(BaseSettings):
    """Window, rate, rendition and backlog of each viewer."""

    model_config = SettingsConfigDict(env_prefix="FANLIGHT_GATEWAY_", frozen=True)

    start_kbps: int = Field(
        default=1000,
        ge=100,
        le=200_000,
        description="What a new viewer's path is taken to carry, kbit/s, until it has shown.",
    )
    min_kbps: int = Field(
        default=300, ge=50, le=200_000, description="The least that is aimed at, kbit/s."
    )
    max_kbps: int = Field(
        default=16_000,
        ge=100,
        le=200_000,
        description="The most that is aimed at, kbit/s; the encoder has a ceiling of its own.",
    )
    allowance_ms: int = Field(
        default=50,
        ge=5,
        le=10_000,
        description="How much longer than its base RTT a path may take before no more is sent: "
        "the queue that is allowed in the network.",
    )
    inflation_ms: int = Field(
        default=40,
        ge=5,
        le=10_000,
        description="RTT above its base that is too much; while it lasts the rate is lowered.",
    )
    inflation_sustain_ms: int = Field(
        default=500, ge=0, le=60_000, description="How long it has to last for that."
    )
    step_ms: int = Field(
        default=200,
        ge=20,
        le=10_000,
        description="The rate rises at most this often, and not before a round trip has told what "
        "the last rise did.",
    )
    delivered_over_ms: int = Field(
        default=500,
        ge=50,
        le=10_000,
        description="What was delivered is counted over this time.",
    )
    smooth_ms: int = Field(
        default=300, ge=1, le=10_000, description="The queue in the network is smoothed over this."
    )
    base_rtt_over_ms: int = Field(
        default=60_000,
        ge=1000,
        le=3_600_000,
        description="The base RTT is the least of so long.",
    )
    cut: float = Field(
        default=0.85,
        gt=0.1,
        lt=1,
        description="After inflation that lasted, the rate is this share of what was delivered.",
    )
    largest_cut: float = Field(
        default=0.5, gt=0, lt=1, description="It never falls to less than this share at once."
    )
    ease: float = Field(
        default=0.97,
        gt=0.1,
        le=1,
        description="Each step with a queue of more than `ease_share` the rate falls to this share "
        "of itself, before it has to be cut.",
    )
    ease_share: float = Field(default=0.6, ge=0, le=1, description="Of `inflation_ms`; see `ease`.")
    calm_share: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="Of `inflation_ms`: with more of a queue the rate does not rise.",
    )
    empty_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Of `inflation_ms`: with less of a queue there is none.",
    )
    fast_rise: float = Field(
        default=1.5,
        ge=1,
        le=10,
        description="Far from the last rate at which a queue formed, the rate grows by this factor "
        "each step.",
    )
    slow_rise_per_s: float = Field(
        default=0.05, ge=0, le=10, description="Near it, by this share a second."
    )
    empty_rise_per_s: float = Field(
        default=0.2, ge=0, le=10, description="Near it, with no queue at all, by this share."
    )
    near_ceiling: float = Field(
        default=0.8, gt=0, le=1, description="Near it is from this share of that rate on ..."
    )
    past_ceiling: float = Field(
        default=1.25,
        ge=1,
        le=10,
        description="... to this. Above, without a queue, the path has become another one.",
    )
    used_share: float = Field(
        default=0.7,
        gt=0,
        le=1,
        description="A rate is made use of, and may rise, when this share of it arrives ...",
    )
    well_used_share: float = Field(
        default=0.85,
        gt=0,
        le=1,
        description="... and this share near the last rate at which a queue formed.",
    )
    train_bytes: int = Field(
        default=4096,
        ge=1,
        description="A unit as large as this, alone on the path, measures its rate at once.",
    )
    train_share: float = Field(
        default=0.8, gt=0, le=1, description="This share of that measurement is believed."
    )
    relearn_ms: int = Field(
        default=3000,
        ge=300,
        le=600_000,
        description="A queue that stays so long, though half as much is sent, is somebody else's, "
        "or the path is another one: the base RTT is learnt anew.",
    )
    ack_timeout_ms: int = Field(
        default=5000,
        ge=100,
        le=600_000,
        description="A unit that is not acknowledged so long after it should have been never will "
        "be, and no longer counts as on its way.",
    )
    in_flight_bytes: int = Field(
        default=1 << 20,
        ge=1024,
        description="Bytes without acknowledgement at which no more are sent, whatever the rate.",
    )
    half_below_kbps: int = Field(
        default=2000,
        ge=0,
        le=200_000,
        description="A viewer whose path takes less moves to the rendition `half`, kbit/s.",
    )
    low_below_kbps: int = Field(
        default=700,
        ge=0,
        le=200_000,
        description="A viewer whose path takes less moves to the rendition `low`, kbit/s.",
    )
    rendition_up_margin: float = Field(
        default=1.15,
        ge=1,
        le=10,
        description="A viewer moves up only when its path takes this much more than those bounds.",
    )
    rendition_down_ms: int = Field(
        default=1000,
        ge=0,
        le=60_000,
        description="How long it has to take less before a viewer moves to a lower rendition.",
    )
    rendition_up_ms: int = Field(
        default=10_000,
        ge=0,
        le=600_000,
        description="How long all has to be well before a viewer tries a higher rendition. Each "
        "try that fails doubles it.",
    )
    rendition_up_max_ms: int = Field(
        default=300_000, ge=0, le=3_600_000, description="The longest that it becomes."
    )
    paint_lag_ms: int = Field(
        default=30,
        ge=5,
        le=10_000,
        description="How long a received picture may be unpainted beyond the fastest one seen "
        "before no more are sent: what keeps a browser that decodes slowly from showing the past.",
    )
    held_units: int = Field(
        default=2,
        ge=0,
        le=64,
        description="So many unpainted units are no sign of lateness: some decoders hold one or "
        "two pictures back.",
    )
    paint_stall_ms: int = Field(
        default=500,
        ge=10,
        le=60_000,
        description="Where nothing is painted for so long, another unit is sent all the same, to "
        "push it out.",
    )
    backlog_ms: int = Field(
        default=250,
        ge=10,
        le=10_000,
        description="Time that units wait for one viewer before all of them are dropped.",
    )
    backlog_bytes: int = Field(
        default=2 << 20, ge=1024, description="Bytes that wait for one viewer, likewise."
    )
    backlog_rest_ms: int = Field(
        default=1000,
        ge=0,
        le=60_000,
        description="After that no IDR is asked for on behalf of this viewer for so long; it "
        "doubles each time that it happens again soon.",
    )
    backlog_rest_max_ms: int = Field(
        default=8000, ge=0, le=600_000, description="The longest that it becomes."
    )
    backlog_memory_ms: int = Field(
        default=20_000,
        ge=0,
        le=600_000,
        description="So long after it, the next time counts as the first.",
    )

    @property
    def congestion(self) -> CongestionLimits:
        """For each viewer's path."""
        return CongestionLimits(**self._of(CongestionLimits))

    @property
    def gate(self) -> GateLimits:
        """For each viewer's gate."""
        return GateLimits(**self._of(GateLimits))

    @property
    def ladder(self) -> LadderLimits:
        """For each viewer's way between renditions."""
        return LadderLimits(
            floors_kbps={Rendition.HIGH: self.half_below_kbps, Rendition.HALF: self.low_below_kbps},
            down_ms=self.rendition_down_ms,
            quiet_ms=self.rendition_up_ms,
            max_quiet_ms=self.rendition_up_max_ms,
            up_margin=self.rendition_up_margin,
        )

    def _of(self, limits: type[Any]) -> dict[str, Any]:
        """The settings that `limits` has fields for, by the same names."""
        return {field.name: getattr(self, field.name) for field in fields(limits)}
