"""Keeps a set of processes running: starts them, restarts them, gives up, stops them.

Lives on the launcher's event loop, with one task for each process. `core.process_life` has the
table of a process's phases, and decides what follows from an end. Each change of a process goes out
as a `ProcessState`.

Processes are added in waves, and the latest wave is stopped first. So the services end before the
directory that they report to, and before the desk that they capture. Dropped are output lines that
a specification calls noise.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence

from fanlight_common.core.errors import FanlightError
from fanlight_launcher.core.process_life import ProcessLife
from fanlight_launcher.core.process_spec import Phase, ProcessSpec, ProcessState
from fanlight_launcher.processes.process import Process

_SAME_CAUSE_S = 0.5
"""An X client may be seen to end this long before the X server whose death ended it."""
_READY_S = 60.0
"""openbox may first index all fonts, which takes long on a machine that is new and busy."""


class GaveUpError(FanlightError):
    """A process cannot be kept running."""


class Supervisor:
    """Keeps processes running until it is stopped, or until one cannot be kept running.

    `show` is called with each change of a process, `log` with the name of a process and a line
    that the process printed.
    """

    def __init__(
        self, show: Callable[[ProcessState], None], log: Callable[[str, str], None]
    ) -> None:
        self._show = show
        self._log = log
        self._up: dict[str, asyncio.Event] = {}
        self._down: dict[str, asyncio.Event] = {}
        self._processes: dict[str, Process] = {}
        self._waves: list[list[asyncio.Task[None]]] = []
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, specs: Sequence[ProcessSpec]) -> None:
        """Keep these processes running from now on, as one wave.

        The processes that they need have to be in this wave or in an earlier one.
        """
        for spec in specs:
            self._up[spec.name] = asyncio.Event()
            self._down[spec.name] = asyncio.Event()
            self._down[spec.name].set()
        tasks = [asyncio.create_task(self._keep(spec), name=spec.name) for spec in specs]
        for task in tasks:
            task.add_done_callback(self._task_ended)
        self._waves.append(tasks)

    async def failure(self) -> None:
        """Wait until a process fails for good.

        Raises GaveUpError, or any other error that ended a task. The other processes keep running.
        """
        await asyncio.shield(self._failure)

    async def running(self, name: str) -> None:
        """Wait until a process runs."""
        await self._up[name].wait()

    async def stop(self) -> None:
        """Stop all processes, the latest wave first."""
        for tasks in reversed(self._waves):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._waves.clear()
        if not self._failure.cancel() and not self._failure.cancelled():
            # Mark the error as seen, because perhaps nobody waits for `failure`.
            self._failure.exception()

    def kill(self) -> None:
        """Kill all processes at once, while `stop` waits for them."""
        for process in self._processes.values():
            process.signal(signal.SIGKILL)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and not self._failure.done():
            error = task.exception()
            assert error is not None
            self._failure.set_exception(error)

    async def _keep(self, spec: ProcessSpec) -> None:
        life = ProcessLife(spec)
        while True:
            if not life.starts(not spec.needs or self._up[spec.needs].is_set()):
                self._show(ProcessState(spec.name, life.phase, detail=f"for {spec.needs}"))
                await self._up[spec.needs].wait()
                life.starts(needed_runs=True)
            reason, status = await self._run(spec, life)
            if life.completed(status):
                self._show(ProcessState(spec.name, life.phase))
                if not spec.needs:
                    return
                await self._down[spec.needs].wait()
                life.needed_died()
                continue
            if spec.needs and await self._goes_down(spec.needs):
                life.needed_died()
                continue
            death = life.died(reason, status, time.monotonic())
            self._show(ProcessState(spec.name, life.phase, detail=death.detail))
            if life.phase is Phase.FAILED:
                raise GaveUpError(f"{spec.name} {death.detail}")
            await asyncio.sleep(death.pause_s)

    async def _goes_down(self, name: str) -> bool:
        """Return whether a process is down, or goes down within _SAME_CAUSE_S."""
        try:
            await asyncio.wait_for(self._down[name].wait(), _SAME_CAUSE_S)
        except TimeoutError:
            return False
        return True

    async def _run(self, spec: ProcessSpec, life: ProcessLife) -> tuple[str, int]:
        """Run a process once. Returns how it ended, for people and as a status."""
        self._show(ProcessState(spec.name, life.phase))
        environment = {**os.environ, **spec.environment}
        announcement = _Announcement() if spec.announced else None
        try:
            process = await Process.start(
                spec.command(announcement.writer if announcement else -1),
                environment,
                lambda line: self._printed(spec, line),
                (announcement.writer,) if announcement else (),
            )
        except OSError as error:
            if announcement is not None:
                announcement.close()
            return f"cannot be started ({error.strerror}: {error.filename})", 1
        self._processes[spec.name] = process
        try:
            if announcement is not None and spec.announced is not None:
                line = await announcement.line()
                if not line:
                    return await self._not_ready(process)
                spec.announced(line)
            life.ready()
            self._show(ProcessState(spec.name, life.phase, process.id, spec.note))
            self._down[spec.name].clear()
            self._up[spec.name].set()
            status = await process.wait()
            return _reason(status), status
        except asyncio.CancelledError:
            await process.stop()
            life.stopped()
            self._show(ProcessState(spec.name, life.phase))
            raise
        finally:
            self._up[spec.name].clear()
            self._down[spec.name].set()
            if announcement is not None:
                announcement.close()
            await process.stop()
            del self._processes[spec.name]

    def _printed(self, spec: ProcessSpec, line: str) -> None:
        if not (spec.noise and line.startswith(spec.noise)):
            self._log(spec.name, line)

    async def _not_ready(self, process: Process) -> tuple[str, int]:
        try:
            # A process that dies closes its pipe a moment before it can be waited for.
            status = await asyncio.wait_for(process.wait(), _SAME_CAUSE_S)
        except TimeoutError:
            return f"was not ready after {_READY_S:g} s", 1
        return _reason(status), status


class _Announcement:
    """A pipe on which a child writes one line when it is ready."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()

    async def line(self) -> str:
        """Return the line, "" if the child ended first or wrote nothing within _READY_S.

        Closes both ends of the pipe. Call it once, after the child has inherited `writer`.
        """
        os.close(self.writer)
        self.writer = -1
        reader = asyncio.StreamReader()
        pipe = os.fdopen(self._reader, "rb")
        self._reader = -1
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            return (await asyncio.wait_for(reader.readline(), _READY_S)).decode().strip()
        except TimeoutError:
            return ""
        finally:
            transport.close()

    def close(self) -> None:
        """Close the ends that are open."""
        for descriptor in (self._reader, self.writer):
            if descriptor >= 0:
                os.close(descriptor)
        self._reader = self.writer = -1


def _reason(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
