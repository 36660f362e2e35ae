"""`fanlight up`: all of it on one machine, until Ctrl-C.

The composition root of the launcher. Lives on an event loop of its own.
"""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

from fanlight_common.core.grants import ALL_DESKS, Grant, Role
from fanlight_common.process import tokens
from fanlight_launcher import readiness, settings_validation
from fanlight_launcher.core.command_line import Desk, base_url, connect_host, page_link
from fanlight_launcher.demo.desk import SERVER, DemoDesk
from fanlight_launcher.machine.requirements import (
    DEMO_PROGRAMS,
    check_port,
    check_programs,
    reach_display,
)
from fanlight_launcher.machine.runtime_directory import runtime_dir
from fanlight_launcher.output import Screen, screen
from fanlight_launcher.plan import KINDS, Options, services
from fanlight_launcher.processes.supervisor import GaveUpError, Supervisor

DEMO_DESK = "main"
LINK_S = 12 * 3600
"""How long the printed link lets people in."""
_SLOW_S = 20.0
_POLL_S = 0.05


def up(options: Options, desks: list[Desk]) -> int:
    """Run until stopped; the exit status. Raises ConfigurationError before anything is started."""
    started_at = time.monotonic()
    check_port("--port", options.host, options.port)
    check_port("--screenshot-port", "127.0.0.1", options.screenshot_port)
    if not desks:
        check_programs(DEMO_PROGRAMS)
    displays = {desk.name: {"DISPLAY": desk.display} for desk in desks}
    settings_validation.check(
        KINDS, services(options, Path(), displays or {DEMO_DESK: {"DISPLAY": ""}})
    )
    secret = tokens.load_secret(options.secret_file)
    grant = Grant(Role.CONTROL, ALL_DESKS, int(time.time()) + LINK_S)
    token = tokens.issue(secret, grant, time.time())
    first = desks[0].name if desks else DEMO_DESK
    link = page_link(base_url(options.host, options.port), first, token)
    with screen() as shown:
        return asyncio.run(_Up(options, desks, link, shown, started_at).run())


class _Up:
    def __init__(
        self, options: Options, desks: list[Desk], link: str, shown: Screen, started_at: float
    ) -> None:
        self._options = options
        self._desks = desks
        self._link = link
        self._screen = shown
        self._started_at = started_at
        self._stop = asyncio.Event()

    async def run(self) -> int:
        supervisor = Supervisor(self._screen.show, self._screen.say)
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
            # Asked twice: no more politeness.
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
                # Raises what went wrong there, which nobody expected.
                starting.result()
                await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
            if failed.done():
                failed.result()
        except GaveUpError as error:
            self._screen.tell(f"fanlight gives up: {error}")
            return 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return 0

    async def _start(self, supervisor: Supervisor, directory: Path) -> None:
        environments = {desk.name: {"DISPLAY": desk.display} for desk in self._desks}
        await self._tell_of_displays()
        if not environments:
            demo = DemoDesk(directory)
            supervisor.add([demo.server()])
            await supervisor.running(SERVER)
            supervisor.add(demo.programs())
            environments[DEMO_DESK] = demo.environment()
        directory_first, *others = services(self._options, directory, environments)
        # A wave of its own, which ends last: the others would log that it is away.
        supervisor.add([directory_first])
        supervisor.add(others)
        await self._wait_until_ready()
        self._screen.link(self._link, time.monotonic() - self._started_at)
        # Once more, where it is seen: much has scrolled by.
        await self._tell_of_displays()

    async def _tell_of_displays(self) -> None:
        for desk in self._desks:
            # Not an error: a capture waits for its display.
            problem = await asyncio.to_thread(reach_display, desk.display)
            if problem:
                self._screen.tell(f"desk {desk.name}: {problem}; waiting for it")

    async def _wait_until_ready(self) -> None:
        host = connect_host(self._options.host)
        told = False
        while True:
            missing = await readiness.missing(host, self._options.port)
            if missing == []:
                return
            if not told and time.monotonic() - self._started_at > _SLOW_S:
                told = True
                lacks = ", ".join(missing or ["an answer of the gateway"])
                self._screen.tell(f"still not ready after {_SLOW_S:.0f} s; missing: {lacks}")
            await asyncio.sleep(_POLL_S)
