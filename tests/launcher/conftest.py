"""Fixtures for the launcher: a supervisor whose states and lines can be waited for."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from fanlight_launcher.core.process_spec import Phase, ProcessSpec, ProcessState, always
from fanlight_launcher.processes.supervisor import Supervisor

LIMIT_S = 30.0


class Watched:
    """A supervisor, the states that it showed, and the lines that its processes printed."""

    def __init__(self) -> None:
        self.states: list[ProcessState] = []
        self.lines: list[tuple[str, str]] = []
        self.supervisor = Supervisor(self._show, lambda name, line: self.lines.append((name, line)))

    def phases(self, name: str) -> list[Phase]:
        """Return the phases of a process, in order."""
        return [state.phase for state in self.states if state.name == name]

    def pids(self, name: str) -> list[int]:
        """Return the ids that a process had, one for each start."""
        return [s.pid for s in self.states if s.name == name and s.phase is Phase.RUNNING]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(LIMIT_S):
            while not condition():  # noqa: ASYNC110  # what it waits for is in another process
                await asyncio.sleep(0.01)

    def _show(self, state: ProcessState) -> None:
        self.states.append(state)


def script(name: str, code: str, *arguments: str) -> ProcessSpec:
    """Return the specification of a process that runs a few lines of Python."""
    return ProcessSpec(name, always(sys.executable, "-c", code, *arguments), {})


def announcing(code: str) -> Callable[[int], Sequence[str]]:
    """Return a command that runs Python. Its argument is the descriptor to announce itself on."""
    return lambda descriptor: [sys.executable, "-c", code, str(descriptor)]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    one = Watched()
    yield one
    await one.supervisor.stop()
