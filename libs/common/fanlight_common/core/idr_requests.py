"""When a consumer asks a stream's encoder for an IDR.

Pure; lives on no thread of its own. Owns the time of the last request, and whether it was answered.
One request serves all viewers that wait, and drops nothing: a request that is not due now is made
by the call that comes when it is. `wanted` is a call of `take_due` that wants an IDR:

    state    event                           state after  asks
    IDLE     wanted, sooner than interval_s  IDLE         no
    IDLE     wanted, after interval_s        PENDING      yes
    IDLE     arrived                         IDLE         -
    IDLE     reset                           IDLE         -
    PENDING  wanted, sooner than retry_s     PENDING      no
    PENDING  wanted, after retry_s           PENDING      yes
    PENDING  arrived                         IDLE         -
    PENDING  reset                           IDLE         -

The times count from the last request; a `reset` forgets it, so the next one may be made at once. A
test holds the table and the code together.
"""

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class IdrRequestLimits:
    """How often an IDR is asked for. IDRs are large, and all viewers of the stream pay for one."""

    retry_s: float = 1.0
    """Seconds until a request without an answer is repeated."""
    interval_s: float = 0.25
    """Least seconds from a request to the next one if the IDR came."""


class IdrRequestState(Enum):
    """See the table above."""

    IDLE = "idle"
    PENDING = "pending"


class IdrRequests:
    """The requests of one consumer to one encoder. Times are in seconds, of any one clock."""

    def __init__(self, limits: IdrRequestLimits) -> None:
        self._limits = limits
        self._asked_at = float("-inf")
        self.state = IdrRequestState.IDLE
        """Is there a request without an answer? Only methods change it."""

    def take_due(self, wanted: bool, now: float) -> bool:
        """Return True if the encoder must be asked now. True counts as a request.

        `wanted` is True if an IDR would help the consumer, and the consumer has room for it.
        """
        if not wanted:
            return False
        limits = self._limits
        is_pending = self.state is IdrRequestState.PENDING
        pause_s = limits.retry_s if is_pending else limits.interval_s
        if now - self._asked_at < pause_s:
            return False
        self._asked_at = now
        self.state = IdrRequestState.PENDING
        return True

    def arrived(self) -> None:
        """Note that an IDR has arrived from the encoder."""
        self.state = IdrRequestState.IDLE

    def reset(self) -> None:
        """Forget the last request, because the encoder did not get it or has forgotten it."""
        self._asked_at = float("-inf")
        self.state = IdrRequestState.IDLE
