"""What the supervisor is told of a process, and what it tells of one.

Pure: descriptions only, which nothing here changes. `process_life` has the table of the phases.
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
    """Return a command that is the same at each start."""
    return lambda _: command
