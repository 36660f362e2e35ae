"""Does this encoder encode a stream that somebody is subscribed to? The lease alone decides.

Pure; used on the worker's loop. Owns the state, and the epoch by which the stream is encoded. Drops
nothing. A `StreamLife` begins when the first gateway subscribes, and ends when the last one has
unsubscribed. A test holds the table and the code together:

    state     event   state after  step
    WAITING   ours    ENCODING     START
    WAITING   others  WAITING      NOTHING
    WAITING   ended   WAITING      -
    ENCODING  same    ENCODING     NOTHING
    ENCODING  ours    ENCODING     RESTART
    ENCODING  moved   LEAVING      HAND_OVER
    ENCODING  others  WAITING      STOP
    ENCODING  ended   WAITING      -
    LEAVING   same    LEAVING      NOTHING
    LEAVING   ours    ENCODING     RESTART
    LEAVING   moved   LEAVING      NOTHING
    LEAVING   others  WAITING      STOP
    LEAVING   ended   WAITING      -

The first four events are records of the lease:

- same: it says that this process has the lease, by the epoch that it encodes by.
- ours: it says that this process has the lease, by another epoch than the present one.
- moved: another encoder has it, and this one may go on until that one has begun.
- others: another encoder has it, or none, and this one may not go on.
- ended: the service has stopped the stream, because it failed, because its time to hand over is
  up, or because nobody is subscribed any more.
"""

from enum import Enum

from fanlight_common.protocol import bus
from fanlight_encoder.core.numbering import may_go_on


class StreamState(Enum):
    """See the table above."""

    WAITING = "waiting"
    """There is demand and no lease: nothing is encoded."""
    ENCODING = "encoding"
    """It is encoded, and the heartbeats say so."""
    LEAVING = "leaving"
    """It is still encoded, and the heartbeats do not say so: the lease is another's."""


class StreamStep(Enum):
    """What the service does because of a record."""

    NOTHING = "nothing"
    START = "start"
    RESTART = "restart"
    """Stop what is encoded, and start anew by the new epoch."""
    HAND_OVER = "hand over"
    """Go on, but not for ever, and claim the stream no more."""
    STOP = "stop"


class StreamLife:
    """One stream, as this process may encode it."""

    def __init__(self) -> None:
        self.state = StreamState.WAITING
        """Only methods change it."""
        self.epoch = 0
        """The epoch by which the stream is encoded. 0 while it is WAITING."""

    def lease(self, record: bus.DirectoryOutlet, epoch: int | None) -> StreamStep:
        """Take in a record of the stream's lease. Returns what to do, which counts as done.

        `epoch` is the one by which this process may encode, as `held_epoch` reads it in `record`.
        """
        if self.state is StreamState.WAITING:
            return self._start(epoch, StreamStep.START) if epoch else StreamStep.NOTHING
        if epoch == self.epoch:
            return StreamStep.NOTHING
        if epoch:
            return self._start(epoch, StreamStep.RESTART)
        if may_go_on(record, self.epoch):
            if self.state is StreamState.LEAVING:
                return StreamStep.NOTHING
            self.state = StreamState.LEAVING
            return StreamStep.HAND_OVER
        self.ended()
        return StreamStep.STOP

    def ended(self) -> None:
        """Note that the stream is not encoded any more. Allowed in every state."""
        self.state, self.epoch = StreamState.WAITING, 0

    def _start(self, epoch: int, step: StreamStep) -> StreamStep:
        self.state, self.epoch = StreamState.ENCODING, epoch
        return step
