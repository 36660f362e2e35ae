"""Running a service: signals, drain, the end, and what its errors mean for the process.

Each `__main__` ends with `run`. It owns the process's event loop (uvloop), and a thread that takes
the signals, so that a loop that hangs does not hide them. After SIGTERM or SIGINT a worker may
drain, which means that it hands over what it has while it still works; then it is cancelled. The
process ends within STOP_LIMIT_S, or END_LIMIT_S after a longer drain, whatever happens. Messages
that have not left by then are dropped.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

import uvloop

from fanlight_common.bus.directory_address import wait_for_network
from fanlight_common.bus.sockets import SocketRole
from fanlight_common.core.errors import MISCONFIGURED, ConfigurationError
from fanlight_common.process import logs
from fanlight_common.process.settings import BusSettings
from fanlight_common.service.worker import Worker

log = logging.getLogger(__name__)

STOP_LIMIT_S = 1.8
"""The process ends so many seconds after the signal, whatever its worker does."""
END_LIMIT_S = 0.6
"""The seconds of STOP_LIMIT_S that remain for the end itself after a drain. A longer drain makes
the limit longer."""
_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def run(
    kind: str,
    settings: BusSettings,
    outlet: SocketRole | None,
    main: Callable[[Worker], Awaitable[None]],
) -> None:
    """Run a service until it is told to stop. Returns after a clean stop.

    A ConfigurationError ends the process with one line and status 2. Any other error ends it with
    a traceback and status 1, and its supervisor starts it again.
    """
    logs.configure(settings.log_level, settings.log_format)
    try:
        wait_for_network(settings, kind)
    except ConfigurationError as missing:
        print(f"fanlight-{kind}: {missing}", file=sys.stderr)
        sys.exit(MISCONFIGURED)
    # The signals are blocked before any thread starts, because threads inherit the mask.
    # `_wait_for_stop` takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    _exempt_imports_from_collection()
    wrong: list[BaseException] = []
    try:
        uvloop.run(_supervised(kind, settings, outlet, main))
    except* ConfigurationError as group:
        wrong = _leaves(group)
    # This is outside of the handler, because some Pythons (Debian's 3.11.2) wrap a SystemExit that
    # is raised inside of it in a group.
    if wrong:
        for error in wrong:
            print(f"fanlight-{kind}: {error}", file=sys.stderr)
        sys.exit(MISCONFIGURED)


def _exempt_imports_from_collection() -> None:
    """Let the garbage collector skip what was imported: it stays, and is most of all objects."""
    gc.collect()
    gc.freeze()


async def _supervised(
    kind: str,
    settings: BusSettings,
    outlet: SocketRole | None,
    main: Callable[[Worker], Awaitable[None]],
) -> None:
    worker = Worker(kind, settings, outlet)
    logs.identify(service=kind, process=worker.id)
    serving = asyncio.ensure_future(worker.serve(main))
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        stopping.append(loop.create_task(_drain(worker, serving)))

    threading.Thread(
        target=_wait_for_stop,
        args=(worker, lambda: loop.call_soon_threadsafe(stop)),
        name="signals",
        daemon=True,
    ).start()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _drain(worker: Worker, serving: asyncio.Future[None]) -> None:
    """Let the worker hand over what it has, and then end it."""
    try:
        if worker.drain is not None and not serving.done():
            async with asyncio.timeout(worker.drain_limit_s):
                await worker.drain()
    except TimeoutError:
        log.info("event=drain kind=%s state=unfinished", worker.kind)
    finally:
        serving.cancel()


def _wait_for_stop(worker: Worker, stop: Callable[[], object]) -> None:
    """Wait for a signal, in a thread, so that a hanging event loop does not hide it. Then stop."""
    signal.sigwait(_STOP_SIGNALS)
    limit_s = max(STOP_LIMIT_S, worker.drain_limit_s + END_LIMIT_S)
    deadline = threading.Timer(limit_s, _give_up, (worker.kind, limit_s))
    deadline.daemon = True
    deadline.start()
    stop()


def _give_up(kind: str, limit_s: float) -> None:
    log.error("event=stop kind=%s reason=%r", kind, f"not done after {limit_s} s")
    os._exit(1)


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
