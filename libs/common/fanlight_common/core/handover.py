"""Which encoder of a stream a consumer listens to: one at a time, and the next only from an IDR on.

Pure; lives on no thread of its own. Owns what is known of a stream's leases, and drops units of
encoders that are out, or that have not begun. Three rules make the fence:

- A lease that moves because its encoder was lost ends the older epochs at once. An encoder that was
  taken for dead and comes back sends units of an old epoch, and no consumer gets them.
- A lease that an encoder gives up by itself (`LeaseRecord.handover_from`) lets that encoder go on
  until the first IDR of its successor has arrived, so that the picture does not stop.
- What a consumer gets has epochs that only grow. Each epoch comes from one encoder and begins with
  an IDR.

The state follows from which leases are known: UNLEASED has none, RUNNING has `current`, TAKEOVER
has `next` (the encoder before it was lost), HANDOVER has both. The first five events are records of
the directory, the others are units. A test holds the table and the code together.

    state     event    state after  answer
    UNLEASED  lost     TAKEOVER     CUT
    UNLEASED  other    UNLEASED     OLD
    RUNNING   same     RUNNING      NOTHING
    RUNNING   stale    RUNNING      STALE
    RUNNING   known    RUNNING      NOTHING
    RUNNING   renewed  RUNNING      CUT
    RUNNING   handed   HANDOVER     WAIT
    RUNNING   lost     TAKEOVER     CUT
    RUNNING   current  RUNNING      PASS
    RUNNING   other    RUNNING      OLD
    TAKEOVER  same     TAKEOVER     NOTHING
    TAKEOVER  stale    TAKEOVER     STALE
    TAKEOVER  lost     TAKEOVER     CUT
    TAKEOVER  delta    TAKEOVER     EARLY
    TAKEOVER  idr      RUNNING      FIRST
    TAKEOVER  other    TAKEOVER     OLD
    HANDOVER  same     HANDOVER     NOTHING
    HANDOVER  stale    HANDOVER     STALE
    HANDOVER  known    RUNNING      NOTHING
    HANDOVER  renewed  RUNNING      CUT
    HANDOVER  handed   HANDOVER     WAIT
    HANDOVER  lost     TAKEOVER     CUT
    HANDOVER  current  HANDOVER     PASS
    HANDOVER  delta    HANDOVER     EARLY
    HANDOVER  idr      RUNNING      FIRST
    HANDOVER  other    HANDOVER     OLD

- same: the record says what is known. stale: its epoch is smaller than the newest that is known,
  by a record or, from another encoder, by a unit.
- renewed: the current encoder has a newer lease. known: it has, and its units said so before.
- handed: another encoder has a newer lease, and the current one may go on. lost: it may not, or
  there is none. In TAKEOVER every newer lease is `lost`.
- current: a unit of the current encoder. delta, idr: a unit of the next one.
- other: a unit of any other encoder, or of an older epoch.
"""

from enum import Enum
from typing import Generic, Protocol, TypeVar


class LeaseTerms(Protocol):
    """What the rules read of a lease's record (`protocol.bus.LeaseRecord`)."""

    @property
    def instance(self) -> str:
        """The encoder that has the lease."""

    @property
    def epoch(self) -> int:
        """The lease's number."""

    @property
    def handover_from(self) -> int:
        """The encoder before may go on if its epoch is at least this one. 0: it may not."""


Record = TypeVar("Record", bound=LeaseTerms)


class HandoverState(Enum):
    """Which encoders a consumer listens to; see the table above."""

    UNLEASED = "unleased"
    RUNNING = "running"
    TAKEOVER = "takeover"
    HANDOVER = "handover"


class LeaseChange(Enum):
    """What a lease record changes for a consumer."""

    NOTHING = "nothing"
    WAIT = "wait"
    """The lease was handed over: the old encoder goes on until the new one's first IDR."""
    CUT = "cut"
    """The old encoder is out: no unit continues what was sent before."""
    STALE = "stale"
    """The record is older than what is known, so it is ignored. There are two directories, or a
    clock was set back."""


class Verdict(Enum):
    """What becomes of a unit."""

    PASS = "pass"
    """The consumer gets it. The consumer itself finds gaps in the sequence."""
    FIRST = "first"
    """The consumer gets it, and its encoder is the current one from now on."""
    OLD = "old"
    """Dropped: its epoch is over."""
    EARLY = "early"
    """Dropped: its encoder has to begin with an IDR, and this unit is none."""


class Handover(Generic[Record]):
    """The leases of one stream. It tells encoders apart by their instance."""

    def __init__(self) -> None:
        self.current: Record | None = None
        """The lease of the encoder whose units the consumer gets."""
        self.next: Record | None = None
        """The lease of the encoder whose first IDR makes it the current one."""
        self.misses_idr = False
        """Units of `next` arrive although its first IDR did not, so the IDR was lost."""
        self._least_epoch = 0
        """Units of smaller epochs are OLD."""

    @property
    def state(self) -> HandoverState:
        """Its state in the table."""
        if self.next is None:
            return HandoverState.UNLEASED if self.current is None else HandoverState.RUNNING
        return HandoverState.TAKEOVER if self.current is None else HandoverState.HANDOVER

    @property
    def newest(self) -> Record | None:
        """The newest lease that is known."""
        return self.next or self.current

    def leased(self, record: Record) -> LeaseChange:
        """Take in a record that says who encodes the stream. It must be `alive`.

        Changes `current` and `next`, unless the record is STALE or says nothing new.
        """
        newest = self.newest
        if newest is not None:
            if record.epoch < newest.epoch:
                return LeaseChange.STALE
            if (record.instance, record.epoch) == (newest.instance, newest.epoch):
                return LeaseChange.NOTHING
        current = self.current
        if current is not None and current.instance == record.instance:
            return self._renewed(record)
        if record.epoch < self._least_epoch:
            # Units of the current encoder have already told of a newer lease.
            return LeaseChange.STALE
        goes_on = current is not None and 0 < record.handover_from <= current.epoch
        if not goes_on:
            self.current = None
            self._least_epoch = record.epoch
        if self.next is None or self.next.instance != record.instance:
            self.misses_idr = False
        self.next = record
        return LeaseChange.WAIT if goes_on else LeaseChange.CUT

    def unit(self, instance: str, epoch: int, *, idr: bool) -> Verdict:
        """Decide on a unit from the encoder of this instance. FIRST changes `current`."""
        following = self.next
        if following is not None and following.instance == instance:
            if epoch < following.epoch:
                return Verdict.OLD
            if not idr:
                self.misses_idr = True
                return Verdict.EARLY
            self.current, self.next, self.misses_idr = following, None, False
            self._least_epoch = epoch
            return Verdict.FIRST
        current = self.current
        if current is None or current.instance != instance or epoch < self._least_epoch:
            return Verdict.OLD
        # The epoch may be larger than the lease's: the encoder got the record before this process.
        self._least_epoch = epoch
        return Verdict.PASS

    def _renewed(self, record: Record) -> LeaseChange:
        """Take in a newer lease of the current encoder."""
        self.current, self.next, self.misses_idr = record, None, False
        # Units of this epoch may have arrived before the record.
        is_known = record.epoch <= self._least_epoch
        self._least_epoch = max(self._least_epoch, record.epoch)
        return LeaseChange.NOTHING if is_known else LeaseChange.CUT
