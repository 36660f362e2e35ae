"""A task that raises an error ends the process; any other end of a task is quiet."""

import asyncio
import inspect
import subprocess
import sys

import pytest

from fanlight_common.process.tasks import start

SCRIPT = """
import asyncio, uvloop
from fanlight_common.process.tasks import spawn

async def work():
    {work}

async def main():
    task = spawn(work())
    await asyncio.sleep(0)
    if {cancel}:
        task.cancel()
    await asyncio.wait([task])
    print("went on")

uvloop.run(main())
"""


@pytest.mark.processes
@pytest.mark.parametrize(
    ("work", "cancel", "ends"),
    [("1 / 0", False, True), ("pass", False, False), ("await asyncio.sleep(9)", True, False)],
)
def test_only_an_error_ends_the_process(work: str, cancel: bool, ends: bool) -> None:
    script = SCRIPT.format(work=work, cancel=cancel)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30
    )
    assert (ran.returncode, "went on" in ran.stdout) == ((1, False) if ends else (0, True))
    assert ("ZeroDivisionError" in ran.stderr) == ends


async def test_a_group_that_is_ending_starts_nothing_and_leaves_nothing_to_await() -> None:
    async with asyncio.TaskGroup() as group:
        pass
    work = asyncio.sleep(0)
    with pytest.raises(RuntimeError):
        start(group, work)
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED
