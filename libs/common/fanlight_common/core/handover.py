"""Which of a stream's encoders is heard: one at a time, and another only from an IDR on. Pure.

Owns what is known of a stream's leases, and the fence:

- A lease that moved because its encoder was lost puts the older epochs out at once. Whatever an
  encoder sends that was thought dead and is not, no viewer gets it.
- A lease that an encoder gives up by itself (`LeaseRecord.handover_from`) lets it go on until the
  first IDR of the new one is here. So the picture does not stop for it.
- What a viewer is sent has epochs that only grow, each of one encoder, each from an IDR on.

    now ----------------------------> now (the first IDR of `coming`)
     | lease moves, handed over: coming    | lease moves, not handed over: now is out at once
"""

from enum import Enum

from fanlight_common.protocol.bus import LeaseRecord


class News(Enum):
    """What a lease record changes."""

    NOTHING = "nothing"
    WAIT = "wait"
    """Another encoder is to be heard from its first IDR on; what comes until then goes on."""
    CUT = "cut"
    """Nothing that was sent before is continued."""
    STALE = "stale"
    """It is older than what is known, so somebody else's truth: two directories, or a clock that
    was set back."""


class Verdict(Enum):
    """What becomes of a unit."""

    PASS = "pass"
    """It is for the viewers; their gates see to gaps."""
    FIRST = "first"
    """The same, and its encoder is the one that is heard from now on."""
    OLD = "old"
    """Its epoch is over."""
    EARLY = "early"
    """Its encoder is to begin with an IDR, and this is none."""


class Handover:
    """One stream's. Encoders are told apart by their instance."""

    def __init__(self) -> None:
        self.now: LeaseRecord | None = None
        """Whose units are for the viewers."""
        self.coming: LeaseRecord | None = None
        """Whose first IDR makes it `now`."""
        self.misses_idr = False
        """Units of `coming` arrive, and its IDR did not."""
        self._floor = 0
        """Units of smaller epochs are out."""

    @property
    def newest(self) -> LeaseRecord | None:
        """The lease as it is known."""
        return self.coming or self.now

    def leased(self, record: LeaseRecord) -> News:
        """The directory tells who encodes the stream; only of records that are `alive`."""
        newest = self.newest
        if newest is not None:
            if record.epoch < newest.epoch:
                return News.STALE
            if (record.instance, record.epoch) == (newest.instance, newest.epoch):
                return News.NOTHING
        now = self.now
        if now is not None and now.instance == record.instance:
            return self._again(now, record)
        goes_on = now is not None and 0 < record.handover_from <= now.epoch
        if not goes_on:
            self.now = None
            self._floor = record.epoch
        if self.coming is None or self.coming.instance != record.instance:
            self.misses_idr = False
        self.coming = record
        return News.WAIT if goes_on else News.CUT

    def unit(self, instance: str, epoch: int, *, idr: bool) -> Verdict:
        """A unit that the encoder of this instance sent."""
        coming = self.coming
        if coming is not None and coming.instance == instance:
            if epoch < coming.epoch:
                return Verdict.OLD
            if not idr:
                self.misses_idr = True
                return Verdict.EARLY
            self.now, self.coming, self.misses_idr = coming, None, False
            self._floor = epoch
            return Verdict.FIRST
        if self.now is None or self.now.instance != instance or epoch < self._floor:
            return Verdict.OLD
        # A larger one than the lease's: the encoder had the record before us.
        self._floor = epoch
        return Verdict.PASS

    def _again(self, now: LeaseRecord, record: LeaseRecord) -> News:
        """The encoder that is heard already has it (again)."""
        self.now, self.coming, self.misses_idr = record, None, False
        # Its units of this epoch may have been faster than the record.
        is_known = record.epoch <= self._floor
        self._floor = max(self._floor, record.epoch)
        return News.NOTHING if is_known else News.CUT
