"""What the supervisor is told of a process, and what it tells of one: its phases, as a table.

Pure: descriptions only, which nothing here changes. `processes.supervisor` moves a process from one
phase to the next; `-` is a process that it does not know yet.

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

A process that is not essential never fails: if it dies again or is misconfigured, it is restarted,
after a long pause. A test holds that the supervisor does what the table says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a process is in its life."""

    WAITING = "waiting"
    """It waits for the process that it needs."""
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    DONE = "done"
    """It ended as it should: its work is done."""
    STOPPED = "stopped"
    FAILED = "failed"
    """The supervisor gave it up."""


class ProcessEvent(StrEnum):
    """What happens to a process."""

    ADDED = "added"
    """The supervisor is to keep it running, and what it needs runs."""
    ADDED_EARLY = "added_early"
    """The supervisor is to keep it running, but what it needs does not run yet."""
    NEEDED_UP = "needed_up"
    """The process that it needs runs."""
    READY = "ready"
    """It runs: it has announced itself, or it was started and announces nothing."""
    DIED = "died"
    """It ended with a fault, announced nothing in time, or could not be started."""
    DIED_AGAIN = "died_again"
    """It died, and `Restarts` gives it up."""
    MISCONFIGURED = "misconfigured"
    """It ended with the status that says that its settings are wrong."""
    NEEDED_DIED = "needed_died"
    """The process that it needs ended, and so did it, unless its work was done before."""
    COMPLETED = "completed"
    """It ended with status 0, and was to do its work once."""
    PAUSE_OVER = "pause_over"
    """The pause after its death is over."""
    STOP = "stop"
    """The supervisor stops all processes."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """The state of a process, for one line. `detail` is for people; `pid` is 0 if none runs."""

    name: str
    phase: Phase
    pid: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A process that the supervisor keeps running."""

    name: str
    command: Callable[[int], Sequence[str]]
    """Called for each start, with the descriptor on which to announce readiness (-1: none)."""
    environment: Mapping[str, str]
    """Added to the launcher's own environment, of which it replaces variables."""
    note: str = ""
    """What the process's line says while it runs, such as an address."""
    announced: Callable[[str], None] | None = None
    """Called with the one line that the process writes on the descriptor of `command`. From then on
    the process counts as running. If this is None, it counts as running at once."""
    noise: str = ""
    """Output lines that begin like this are not shown."""
    needs: str = ""
    """The name of another process. This one is started once that one runs, each time."""
    once: bool = False
    """The process does its work and ends; ending with status 0 is no fault."""
    essential: bool = True
    """Whether the launcher gives up when this process cannot be kept running. A process that is not
    essential is started again after a pause."""


def always(*command: str) -> Callable[[int], Sequence[str]]:
    """Returns a command that is the same at each start."""
    return lambda _: command
