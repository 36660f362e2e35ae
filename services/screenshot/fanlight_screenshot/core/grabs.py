"""When to ask capture for a picture, and which answer is fresh enough.

Pure; times are seconds of the process's clock. Requests share grabs: a
request that arrives while a grab is under way waits for it, and asks for another one only if the
answer turns out to be older than the request by more than the reuse window.

The table is of one desk's grab. *ask* is the question to capture, *fresh* a picture that was
current when capture was asked or later, *old* any other picture, and *retry* the end of `retry_s`
after the question. `due` says whether a grab may be asked for.

    state  event  next   due
    idle   ask    asked  no
    idle   fresh  idle   yes
    idle   old    idle   yes
    asked  fresh  idle   yes
    asked  old    asked  no
    asked  retry  idle   yes

A test holds that the code does what the table says.
"""

from dataclasses import dataclass

ATTEMPTS = 4
"""How many frames a request tries to copy. A frame is lost if capture overwrites it while it is
copied; the next frame is as good."""


@dataclass(frozen=True, slots=True)
class GrabTimes:
    """How long grabs are shared and waited for; seconds."""

    reuse_s: float = 0.02
    """A picture answers a request if it was known to be current this long before the request."""
    retry_s: float = 0.1
    """A grab that was not answered is asked for again after this time."""
    timeout_s: float = 1.0
    """After this time the last picture is served instead, marked as stale."""
    next_retry_s: float = 2.0
    """While requests are held, capture is asked again this often for a change."""


class Grabs:
    """The grabs of one desk."""

    def __init__(self, times: GrabTimes) -> None:
        self._times = times
        self._asked_at_s: float | None = None

    def oldest_s(self, arrived_at_s: float) -> float:
        """Return since when a picture has to be current to answer a request that arrived then."""
        return arrived_at_s - self._times.reuse_s

    def due(self, now_s: float) -> bool:
        """Return whether to ask for a grab now, which is not so while one may be answered."""
        return self._asked_at_s is None or now_s - self._asked_at_s >= self._times.retry_s

    def asked(self, now_s: float) -> None:
        """Note that a grab was asked for."""
        self._asked_at_s = now_s

    def answered(self, current_at_s: float) -> None:
        """Note that a picture arrived that was current at `current_at_s`."""
        if self._asked_at_s is not None and current_at_s >= self._asked_at_s:
            self._asked_at_s = None
