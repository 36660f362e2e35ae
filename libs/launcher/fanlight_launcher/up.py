"""`fanlight up`: everything on one machine, until Ctrl-C.

It puts the desk, the services, the supervisor and the output together, and owns them until the end.
`up` runs an event loop of its own on the main thread. Drops nothing.
"""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

from fanlight_common.core.grants import ALL_DESKS, Grant, Role
from fanlight_common.process import tokens
from fanlight_launcher import readiness, settings_validation
from fanlight_launcher.core.command_line import DisplayDesk, base_url, connect_host, page_link
from fanlight_launcher.core.plan import KINDS, UpOptions, services, token_environment
from fanlight_launcher.demo.desk import X_SERVER, DemoDesk
from fanlight_launcher.machine.programs import DEMO_PROGRAMS, check_programs
from fanlight_launcher.machine.runtime_directory import runtime_dir
from fanlight_launcher.machine.x11_access import reach_display
from fanlight_launcher.output import Output, choose_output
from fanlight_launcher.processes.supervisor import GaveUpError, Supervisor

DEMO_DESK = "main"
LINK_S = 12 * 3600
"""How long the printed link lets people in."""
_SLOW_S = 20.0
"""After this time a person is told what is missing."""
_POLL_S = 0.05


def up(options: UpOptions, desks: list[DisplayDesk]) -> int:
    """Run everything until it is stopped. Returns the exit status.

    If no desk is given, there is a demonstration desk. Raises ConfigurationError before anything is
    started; the file of the secret may have been written by then.
    """
    started_at = time.monotonic()
    if not desks:
        check_programs(DEMO_PROGRAMS)
    displays = {desk.name: {"DISPLAY": desk.display} for desk in desks}
    planned = services(options, "", displays or {DEMO_DESK: {"DISPLAY": ""}})
    settings_validation.check(KINDS, planned)
    secret = tokens.load_secret(Path(options.secret_file))
    grant = Grant(Role.CONTROL, ALL_DESKS, int(time.time()) + LINK_S)
    token = tokens.issue(secret, grant, time.time())
    first = desks[0].name if desks else DEMO_DESK
    link = page_link(base_url(options.host, options.port), first, token)
    with choose_output() as output:
        return asyncio.run(_Up(options, desks, link, output, started_at).run())


class _Up:
    def __init__(
        self,
        options: UpOptions,
        desks: list[DisplayDesk],
        link: str,
        output: Output,
        started_at: float,
    ) -> None:
        self._options = options
        self._desks = desks
        self._link = link
        self._output = output
        self._started_at = started_at
        self._stop = asyncio.Event()

    async def run(self) -> int:
        supervisor = Supervisor(self._output.show, self._output.log)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stopping, supervisor)
        with runtime_dir() as directory:
            try:
                return await self._until_stopped(supervisor, directory)
            finally:
                await supervisor.stop()

    def _stopping(self, supervisor: Supervisor) -> None:
        if self._stop.is_set():
            # This is the second signal, so that nothing is given time to end by itself.
            supervisor.kill()
        self._stop.set()

    async def _until_stopped(self, supervisor: Supervisor, directory: Path) -> int:
        stopped = asyncio.create_task(self._stop.wait())
        failed = asyncio.create_task(supervisor.failure())
        starting = asyncio.create_task(self._start(supervisor, directory))
        tasks: set[asyncio.Task[Any]] = {stopped, failed, starting}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if done == {starting}:
                # If the start raised an error, which is a bug, this raises it.
                starting.result()
                await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                failed.result()
        except GaveUpError as error:
            self._output.notice(f"fanlight gives up: {error}")
            return 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return 0

    async def _start(self, supervisor: Supervisor, directory: Path) -> None:
        environments = {desk.name: {"DISPLAY": desk.display} for desk in self._desks}
        await self._report_displays()
        if not environments:
            demo = DemoDesk(directory, token_environment(self._options))
            supervisor.add([demo.server()])
            await supervisor.running(X_SERVER)
            supervisor.add(demo.programs())
            environments[DEMO_DESK] = demo.environment()
        directory_service, *others = services(self._options, str(directory), environments)
        # The directory is in a wave of its own, which ends last. Otherwise the other services would
        # log that it is away.
        supervisor.add([directory_service])
        supervisor.add(others)
        await self._wait_until_ready()
        self._output.ready(self._link, time.monotonic() - self._started_at)
        # This is reported again below the link, because the first report has scrolled away.
        await self._report_displays()

    async def _report_displays(self) -> None:
        for desk in self._desks:
            # A display that is away is no error, because its capture waits for it.
            problem = await asyncio.to_thread(reach_display, desk.display)
            if problem:
                self._output.notice(f"desk {desk.name}: {problem}; waiting for it")

    async def _wait_until_ready(self) -> None:
        host = connect_host(self._options.host)
        reported = False
        while True:
            missing = await readiness.missing(host, self._options.port)
            if missing == []:
                return
            if not reported and time.monotonic() - self._started_at > _SLOW_S:
                reported = True
                lacks = ", ".join(missing or ["an answer of the gateway"])
                self._output.notice(f"still not ready after {_SLOW_S:.0f} s; missing: {lacks}")
            await asyncio.sleep(_POLL_S)
