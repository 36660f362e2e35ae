"""Keeps a set of processes running: starts, restarts, gives up, stops.

Lives on the launcher's loop, one task a process. When to restart is decided in `restarts`; what is
seen of it goes out through `State`s. It goes in waves: on stopping, the services end before the
directory that they report to, and before the desk that they look at.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fanlight_common.errors import FanlightError
from fanlight_launcher.core.restarts import REST_S, Restarts
from fanlight_launcher.processes.process import Process

MISCONFIGURED = 2
"""The exit status of a service that says itself that a restart will not help."""
_FALL_S = 0.5
"""An X client may be seen to die this much before the X server that it died of."""
_READY_S = 60.0
"""openbox may index all fonts first, on a machine that is new and busy."""


class GaveUpError(FanlightError):
    """A process cannot be kept running."""


class Phase(StrEnum):
    """Where a process is."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class State:
    """One process, for one line. `detail` is for people."""

    name: str
    phase: Phase
    pid: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """A process to be kept running."""

    name: str
    command: Callable[[int], Sequence[str]]
    """Made anew for each start, with the descriptor to announce readiness on (-1: none)."""
    environment: Mapping[str, str]
    """Besides the launcher's own."""
    note: str = ""
    """What its line says while it runs: an address."""
    announced: Callable[[str], None] | None = None
    """Called with the one line that it writes on that descriptor; it runs from then on."""
    noise: str = ""
    """Lines that begin like this are not worth showing."""
    needs: str = ""
    """Started when that one runs, and again when that one was."""
    once: bool = False
    """It does its work and ends."""
    essential: bool = True
    """Without it there is no product; others are left alone for a while instead of given up."""


def always(*command: str) -> Callable[[int], Sequence[str]]:
    """A command that is the same at each start."""
    return lambda _: command


class Supervisor:
    """Runs `Spec`s until stopped, or until one cannot be kept running."""

    def __init__(self, show: Callable[[State], None], say: Callable[[str, str], None]) -> None:
        self._show = show
        self._say = say
        self._up: dict[str, asyncio.Event] = {}
        self._down: dict[str, asyncio.Event] = {}
        self._processes: dict[str, Process] = {}
        self._waves: list[list[asyncio.Task[None]]] = []
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def add(self, specs: Sequence[Spec]) -> None:
        """Keep these running from now on: one wave. What they need is in it or in one before."""
        for spec in specs:
            self._up[spec.name] = asyncio.Event()
            self._down[spec.name] = asyncio.Event()
            self._down[spec.name].set()
        tasks = [asyncio.create_task(self._keep(spec), name=spec.name) for spec in specs]
        for task in tasks:
            task.add_done_callback(self._ended)
        self._waves.append(tasks)

    async def failure(self) -> None:
        """Wait until something fails for good. Raises GaveUpError, or whatever it was."""
        await asyncio.shield(self._failure)

    async def running(self, name: str) -> None:
        """Wait until a process runs."""
        await self._up[name].wait()

    async def stop(self) -> None:
        """End all, the latest wave first."""
        for tasks in reversed(self._waves):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._waves.clear()
        if not self._failure.cancel() and not self._failure.cancelled():
            # Whoever stops after a failure may not have asked for it.
            self._failure.exception()

    def kill(self) -> None:
        """End all now: somebody is impatient."""
        for process in self._processes.values():
            process.signal(signal.SIGKILL)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and not self._failure.done():
            error = task.exception()
            assert error is not None
            self._failure.set_exception(error)

    async def _keep(self, spec: Spec) -> None:
        restarts = Restarts()
        while True:
            if spec.needs and not self._up[spec.needs].is_set():
                self._show(State(spec.name, Phase.WAITING, detail=f"for {spec.needs}"))
                await self._up[spec.needs].wait()
            reason, status = await self._run(spec)
            if spec.once and status == 0:
                self._show(State(spec.name, Phase.DONE))
                if not spec.needs:
                    return
                await self._down[spec.needs].wait()
                continue
            if spec.needs and await self._fell(spec.needs):
                continue
            if status == MISCONFIGURED and spec.essential:
                self._fail(spec, f"{reason}: its settings are wrong, see above")
            delay_s = restarts.died(time.monotonic())
            if delay_s is None:
                if spec.essential:
                    self._fail(spec, f"{reason}, five times within a minute")
                delay_s = REST_S
            detail = f"{reason}; again in {delay_s:g} s" if delay_s else reason
            self._show(State(spec.name, Phase.RESTARTING, detail=detail))
            await asyncio.sleep(delay_s)

    def _fail(self, spec: Spec, reason: str) -> None:
        self._show(State(spec.name, Phase.FAILED, detail=reason))
        raise GaveUpError(f"{spec.name} {reason}")

    async def _fell(self, name: str) -> bool:
        """Is what it needs gone as well? Then that is why it died."""
        try:
            await asyncio.wait_for(self._down[name].wait(), _FALL_S)
        except TimeoutError:
            return False
        return True

    async def _run(self, spec: Spec) -> tuple[str, int]:
        """One life of a process: how it ended, in words and as a status."""
        self._show(State(spec.name, Phase.STARTING))
        environment = {**os.environ, **spec.environment}
        announcement = _Announcement() if spec.announced else None
        try:
            process = await Process.start(
                spec.command(announcement.writer if announcement else -1),
                environment,
                lambda line: self._heard(spec, line),
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
            self._show(State(spec.name, Phase.RUNNING, process.id, spec.note))
            self._down[spec.name].clear()
            self._up[spec.name].set()
            status = await process.wait()
            return _reason(status), status
        except asyncio.CancelledError:
            await process.stop()
            self._show(State(spec.name, Phase.STOPPED))
            raise
        finally:
            self._up[spec.name].clear()
            self._down[spec.name].set()
            if announcement is not None:
                announcement.close()
            await process.stop()
            del self._processes[spec.name]

    def _heard(self, spec: Spec, line: str) -> None:
        if not (spec.noise and line.startswith(spec.noise)):
            self._say(spec.name, line)

    async def _not_ready(self, process: Process) -> tuple[str, int]:
        try:
            # The pipe ends a moment before the process does.
            status = await asyncio.wait_for(process.wait(), _FALL_S)
        except TimeoutError:
            return f"was not ready after {_READY_S:g} s", 1
        return _reason(status), status


class _Announcement:
    """A pipe on which a child says, in one line, that it is ready."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()

    async def line(self) -> str:
        """What it said; "" where it ended, or said nothing in time."""
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
