"""The constants of everything that the gateway decides, in one object that is passed down.

Owns no constant itself: each group stands beside its algorithm, which says what its members mean
and why they have these values. An operator sets three of them (`of`); tests set any. The object is
frozen, so that any thread may read it.
"""

from dataclasses import dataclass, field, replace

from fanlight_common.core.idr_requests import IdrRequestLimits
from fanlight_gateway.core.congestion import CongestionLimits
from fanlight_gateway.core.gate import GateLimits
from fanlight_gateway.core.ladder import LadderLimits
from fanlight_gateway.core.rate_limits import MessageLimits
from fanlight_gateway.core.transport_limits import TransportLimits
from fanlight_gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Limits:
    """The constants of one gateway."""

    congestion: CongestionLimits = field(default_factory=CongestionLimits)
    gate: GateLimits = field(default_factory=GateLimits)
    ladder: LadderLimits = field(default_factory=LadderLimits)
    idr: IdrRequestLimits = field(default_factory=IdrRequestLimits)
    messages: MessageLimits = field(default_factory=MessageLimits)
    transport: TransportLimits = field(default_factory=TransportLimits)

    def of(self, settings: GatewaySettings) -> "Limits":
        """Return these limits with what an operator has set."""
        return replace(
            self,
            congestion=replace(
                self.congestion, start_kbps=settings.start_kbps, max_kbps=settings.max_kbps
            ),
            transport=replace(self.transport, http_long_poll_s=settings.http_long_poll_s),
        )
