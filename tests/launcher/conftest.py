"""Fixtures for the launcher: a supervisor whose states and lines can be waited for."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from fanlight_launcher.supervisor import Phase, Spec, State, Supervisor, always

LIMIT_S = 30.0


class Watched:
    """A supervisor, and all that it showed and its processes said."""

    def __init__(self) -> None:
        self.states: list[State] = []
        self.lines: list[tuple[str, str]] = []
        self.supervisor = Supervisor(self._show, lambda name, line: self.lines.append((name, line)))
        self._news = asyncio.Event()

    def phases(self, name: str) -> list[Phase]:
        """What a process went through."""
        return [state.phase for state in self.states if state.name == name]

    def pids(self, name: str) -> list[int]:
        """Of each life of a process."""
        return [s.pid for s in self.states if s.name == name and s.phase is Phase.RUNNING]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to be seen."""
        async with asyncio.timeout(LIMIT_S):
            while not condition():  # noqa: ASYNC110  # what it waits for is in another process
                await asyncio.sleep(0.01)

    def _show(self, state: State) -> None:
        self.states.append(state)


def script(name: str, code: str, *arguments: str) -> Spec:
    """A process that runs a few lines of Python."""
    return Spec(name, always(sys.executable, "-c", code, *arguments), {})


def announcing(code: str) -> Callable[[int], Sequence[str]]:
    """The same, told the descriptor to announce itself on."""
    return lambda descriptor: [sys.executable, "-c", code, str(descriptor)]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    one = Watched()
    yield one
    await one.supervisor.stop()
