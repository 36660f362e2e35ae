"""The life of a process that the supervisor keeps running: its phase, and what follows from an end.

Pure: time is an argument, in monotonic seconds. Owns the phase and the last deaths of one process.
Drops the deaths that `restarts` drops. `-` is a process that is not known yet.

    phase       event          next        effect
    -           added          starting    start
    -           added_early    waiting     -
    waiting     needed_up      starting    start
    waiting     stop           waiting     -
    starting    ready          running     -
    starting    died           restarting  -
    starting    misconfigured  failed      give up
    starting    died_again     failed      give up
    starting    needed_died    waiting     -
    starting    stop           stopped     end
    running     died           restarting  -
    running     misconfigured  failed      give up
    running     died_again     failed      give up
    running     needed_died    waiting     -
    running     completed      done        -
    running     stop           stopped     end
    restarting  pause_over     starting    start
    restarting  stop           restarting  -
    done        needed_died    waiting     -
    done        stop           done        -
    failed      stop           failed      -

- added: the supervisor is to keep it running, and what it needs runs, or it needs nothing.
- added_early: the supervisor is to keep it running, but what it needs does not run yet.
- needed_up: the process that it needs runs.
- ready: it runs, because it has announced itself, or was started and announces nothing.
- died: it ended with a fault, announced nothing in time, or could not be started.
- died_again: it died, and `Restarts` gives it up.
- misconfigured: it ended with the status that says that its settings are wrong.
- needed_died: the process that it needs ended, and so did it, unless its work was done before.
- completed: it ended with status 0, and was to do its work once.
- pause_over: the pause after its death is over.
- stop: the supervisor stops all processes.

A process that is not essential never fails: if it dies again or is misconfigured, it is restarted,
after a long pause. Two tests hold the table and the code together: one drives this module, the
other the supervisor.
"""

from typing import NamedTuple

from fanlight_common.core.errors import MISCONFIGURED
from fanlight_launcher.core.process_spec import Phase, ProcessSpec
from fanlight_launcher.core.restarts import LIMIT, REST_S, WINDOW_S, Restarts


class Death(NamedTuple):
    """What follows from a death."""

    detail: str
    """How the process ended, and what is done about it; for people."""
    pause_s: float
    """Seconds until the next start. Of no use if the process has failed."""


class ProcessLife:
    """One process, from the moment it is added."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.phase = Phase.WAITING
        """Only methods change it. The first call is `starts`."""
        self._spec = spec
        self._restarts = Restarts()

    def starts(self, needed_runs: bool) -> bool:
        """Note that the process is to run. Return whether it starts now; otherwise it waits."""
        self.phase = Phase.STARTING if needed_runs else Phase.WAITING
        return needed_runs

    def ready(self) -> None:
        """Note that the process runs."""
        self.phase = Phase.RUNNING

    def completed(self, status: int) -> bool:
        """Return whether an end with this status is as it should be. The process is DONE then."""
        is_done = self._spec.once and status == 0
        if is_done:
            self.phase = Phase.DONE
        return is_done

    def needed_died(self) -> None:
        """Note that the process that it needs ended. Its own end is no fault then."""
        self.phase = Phase.WAITING

    def died(self, reason: str, status: int, now: float) -> Death:
        """Note an end that is a fault. The process is RESTARTING then, or has FAILED."""
        if status == MISCONFIGURED and self._spec.essential:
            self.phase = Phase.FAILED
            return Death(f"{reason}: its settings are wrong, see above", 0.0)
        pause_s = self._restarts.died(now)
        if pause_s is None and self._spec.essential:
            self.phase = Phase.FAILED
            return Death(f"{reason}; {LIMIT} deaths within {WINDOW_S:g} s", 0.0)
        self.phase = Phase.RESTARTING
        if pause_s is None:
            pause_s = REST_S
        return Death(f"{reason}; again in {pause_s:g} s" if pause_s else reason, pause_s)

    def stopped(self) -> None:
        """Note that the supervisor stops all processes. A process that does not run stays."""
        if self.phase in (Phase.STARTING, Phase.RUNNING):
            self.phase = Phase.STOPPED
