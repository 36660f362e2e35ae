"""The states of a stream's lease, as a table. A test holds that `leases` does what stands here.

Pure. A lease's state follows from two facts: is the stream wanted (somebody is subscribed to its
lease), and does an encoder hold it?

    state    event         next      effect
    unknown  want          waiting   publish nobody
    unknown  claim         grace     publish the holder
    waiting  unwant        ended     -
    waiting  grant         held      publish the holder
    waiting  claim         held      publish the holder
    held     unwant        grace     -
    held     holder_lost   waiting   publish nobody
    held     move          held      publish the holder
    held     claim         held      publish the holder
    grace    want          held      -
    grace    holder_lost   ended     publish nobody
    grace    claim         grace     publish the holder
    grace    move          grace     publish the holder
    grace    grace_over    ended     publish nobody
    ended    want          waiting   -
    ended    claim         grace     publish the holder
    ended    forget        unknown   -

`want` and `unwant` are the first subscription and the end of the last one. `grant` needs a known
desk and an encoder; if one of them is missing, "nobody" is published, unless it was published last.
`move` is a grant to another encoder while the holder lives, so that the holder may hand over.
`claim` is a claim by a larger epoch than is known here. `holder_lost`: the holder has left.
`grace_over`: nobody has wanted the stream for the grace. `forget`: the lease has been ended for
`FORGET_ENDED_S` of `leases`. The answer to a subscription is not an effect: it is what
`Leases.present` returns.
"""

from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.protocol import bus
from fanlight_directory.core.effects import Reason

HANDOVER_S = 1.0
"""A handover takes less time than this."""


class LeaseState(StrEnum):
    """Where a stream's lease is."""

    UNKNOWN = "unknown"
    """Nobody asked for the stream lately, and nobody claims it."""
    WAITING = "waiting"
    """Wanted, and no encoder holds it."""
    HELD = "held"
    """Wanted, and an encoder holds it."""
    GRACE = "grace"
    """An encoder holds it, and nobody wants it any more, or not yet."""
    ENDED = "ended"
    """Neither wanted nor held: its epoch is remembered."""


@dataclass(slots=True)
class StreamLease:
    """What is known of one stream that was asked for or claimed."""

    name: str
    desk: str
    epoch: int = 0
    """The largest epoch that was granted or claimed."""
    holder: str = ""
    """The id of the encoder that holds it, "" if none does."""
    record: bus.LeaseRecord | None = None
    """The record that was published last. None before anything is known."""
    wanted: bool = False
    idle_since: float = 0.0
    """When it was last wanted or held; seconds, as `now` of `Leases`."""
    reason: Reason = Reason.ASKED
    reminded_at: float = float("-inf")
    claimed_at: float = 0.0
    """When its holder last claimed it; before the first claim, when it was granted."""
    handing: str = ""
    """The encoder that was relieved of it at `handed_at`. It goes on by `handed_epoch` until the
    first IDR of its successor."""
    handed_epoch: int = 0
    handed_at: float = float("-inf")

    @property
    def state(self) -> LeaseState:
        """Return its state in the table."""
        if self.holder:
            return LeaseState.HELD if self.wanted else LeaseState.GRACE
        return LeaseState.WAITING if self.wanted else LeaseState.ENDED

    def hand_over(self, still_there: bool, now: float) -> int:
        """Note that the holder is relieved, but lives. Returns the first epoch that may be shown.

        `still_there` says whether the encoder that was relieved before this holder lives too. If it
        lives, and was relieved less than HANDOVER_S ago (two encoders leave at once), it most
        likely goes on sending until the new holder's first IDR, so its epoch is returned.
        """
        if now - self.handed_at > HANDOVER_S or not still_there:
            self.handing, self.handed_epoch = self.holder, self.epoch
        self.handed_at = now
        return self.handed_epoch
