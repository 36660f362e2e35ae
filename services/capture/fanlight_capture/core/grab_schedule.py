"""When to grab: the first change after quiet at once, later ones paced, none without demand.

Pure. Owns the state, and no timer: `next` says what to do now, or how long to wait. Several changes
between two grabs count as one, because one grab shows them all.

The state is four flags, which the frame loop sets as things happen, and two times: the next grab
may begin from *due* on, and the last frame is to be published again from *echo* on. `next` follows
the first row of this table that fits; `-` fits everything.

    streaming  wanted  awaited  damaged  clock        step
    no         no      no       -        -            WAIT for a flag
    -          -       -        yes      before due   WAIT until due
    -          -       -        yes      due          GRAB
    -          yes     -        no       -            LOOK
    no         -       -        no       -            WAIT for a flag
    yes        -       -        no       before echo  WAIT until echo
    yes        -       -        no       echo         ECHO
    yes        -       -        no       no echo      WAIT for a flag

Two steps change the state:

- GRAB: the caller calls `grab_begins`, which clears `damaged` and `wanted`, moves *due* on by one
  interval, and begins the echoes anew. `awaited` stays until the caller has the picture.
- ECHO: the next *echo* is the next of ECHO_S, until there is none left.
"""

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What the frame loop does next."""

    WAIT = "wait"
    """Wait for `Step.seconds`, or until a flag is set."""
    LOOK = "look"
    """Ask the source whether anything changed. If nothing did, the last frame is still current."""
    GRAB = "grab"
    """Take the picture."""
    ECHO = "echo"
    """Publish the last frame once more, in case ZeroMQ dropped it."""


ECHO_S = (0.25, 1.0, 4.0)
"""Seconds after a grab, unless another grab has followed. If a subscriber stalls for a few frames
its pipe is full, and ZeroMQ drops the newest frame. If that was the last frame before a quiet hour,
the viewer would look at an older picture for that hour."""


@dataclass(frozen=True, slots=True)
class Step:
    """One decision. `seconds` is None if only a flag can end the waiting."""

    action: Action
    seconds: float | None = None


class GrabSchedule:
    """Decides when one desk is grabbed: in the long run at most once in `interval_s` seconds."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._due = 0.0
        self.streaming = False
        """Somebody wants every frame."""
        self.wanted = False
        """Somebody wants the present picture, once."""
        self.awaited = False
        """Somebody wants one more picture, as soon as it differs from the last."""
        self.damaged = True
        """The desk changed since the last grab, or was never grabbed."""
        self._echo_from = 0.0
        self._echoes = len(ECHO_S)
        """How many of ECHO_S are over."""

    def next(self, now: float) -> Step:
        """Return what to do at `now` (monotonic seconds). An ECHO counts as done."""
        if self.damaged and (self.streaming or self.wanted or self.awaited):
            if now >= self._due:
                return Step(Action.GRAB)
            return Step(Action.WAIT, self._due - now)
        if self.wanted:
            return Step(Action.LOOK)
        if not self.streaming or self._echoes == len(ECHO_S):
            return Step(Action.WAIT)
        echo_due = self._echo_from + ECHO_S[self._echoes]
        if now < echo_due:
            return Step(Action.WAIT, echo_due - now)
        self._echoes += 1
        return Step(Action.ECHO)

    def grab_begins(self, now: float) -> None:
        """Note that a grab begins at `now`. Later changes are for the next grab."""
        self.damaged = False
        self.wanted = False
        # The interval counts from the moment at which the grab was due, and not from now: uvloop's
        # timers have steps of 1 ms, and 60 grabs a second would become 57. After a pause of more
        # than an interval it counts from now.
        late = now - self._due
        self._due = (self._due if late < self._interval_s else now) + self._interval_s
        self._echo_from, self._echoes = now, 0
