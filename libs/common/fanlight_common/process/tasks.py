"""Starting tasks: without losing the errors of one that nobody awaits, and in groups that may end.

Lives on the worker's loop. Owns and drops nothing.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run `work` in a task of its own. If it raises an error, log it and end the process."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(_end_with_it)
    return task


def start(group: asyncio.TaskGroup, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run `work` in a task of `group`.

    Raises RuntimeError if the group is ending. `work` is closed then, so that Python does not warn
    that nobody awaits it.
    """
    try:
        return group.create_task(work)
    except BaseException:
        work.close()
        raise


def _end_with_it(task: asyncio.Task[None]) -> None:
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        log.critical("event=unexpected task=%s", task.get_coro(), exc_info=error)
        raise SystemExit(1)
