"""When to grab: the first change after quiet at once, then paced, and never without demand.

Pure. Owns no timer: `next` says what to do now, or how long to wait unless something is noted.
Drops changes into one another: however many come between two grabs, they are one picture.
"""

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What the grabbing loop does next."""

    WAIT = "wait"
    """Nothing, for `Step.seconds`, or until something is noted."""
    LOOK = "look"
    """Ask the source whether anything changed; if not, the last frame is still current."""
    GRAB = "grab"
    """Take the picture."""
    ECHO = "echo"
    """Publish the last frame once more, in case ZeroMQ dropped it."""


ECHO_S = (0.25, 1.0, 4.0)
"""After a grab with nothing after it. A subscriber that stands still for a few frames fills its
pipe, and what is dropped then is the newest; were that the last before a quiet hour, the viewer
would look at the past for as long."""


@dataclass(frozen=True, slots=True)
class Step:
    """One decision. `seconds` is None where only a note can change it."""

    action: Action
    seconds: float | None = None


class GrabSchedule:
    """Decides over one desk's grabs, at most one each `interval_s` in the long run."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._due = 0.0
        self.streaming = False
        """Somebody wants every frame."""
        self.wanted = False
        """Somebody wants the present picture, once."""
        self.awaited = False
        """Somebody wants one picture more, once there is another."""
        self.damaged = True
        """The desk changed since the last grab, or was never grabbed."""
        self._echo_from = 0.0
        self._echoes = len(ECHO_S)
        """So many of ECHO_S are over."""

    def next(self, now: float) -> Step:
        """What to do at `now`."""
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
        """What changes from now on is for the next grab."""
        self.damaged = False
        self.wanted = False
        # From when it was due, not from when the timer woke us (uvloop's timers are 1 ms coarse):
        # otherwise 60 a second would become 57. After a pause it counts from now.
        late = now - self._due
        self._due = (self._due if late < self._interval_s else now) + self._interval_s
        self._echo_from, self._echoes = now, 0
