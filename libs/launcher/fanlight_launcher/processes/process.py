"""One child process: started in a process group of its own, read line by line, ended for good.

Lives on the launcher's event loop. A child ends whatever happens to the launcher, because the
kernel sends it a SIGTERM when the launcher dies (PR_SET_PDEATHSIG). `stop` kills what a child
leaves behind in its process group. Output lines of more than 1 MiB are dropped.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence

STOP_S = 2.0
"""After SIGTERM a child has this long to end."""
_LAST_LINES_S = 0.5
"""The output of a child that has ended is read for this long at most."""
_LONGEST_LINE_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
"""Loaded here, because a child must not import anything between fork and exec."""


class Process:
    """A running child. `id` is also the id of its process group."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        output: asyncio.ReadTransport,
        lines: asyncio.StreamReader,
        log: Callable[[str], None],
    ) -> None:
        self._process = process
        self._output = output
        self._reading = asyncio.create_task(_read(lines, log))
        self.id = process.pid

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Callable[[str], None],
        pass_fds: tuple[int, ...] = (),
    ) -> "Process":
        """Start a child, whose output lines go to `log`. If it raises OSError, no child runs."""
        launcher = os.getpid()

        def in_the_child() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != launcher:
                # The launcher died before the kernel was told to watch it.
                os._exit(1)

        # This is not asyncio's own pipe, because with that a child counts as running as long as
        # anything that the child started has the other end open.
        output, lines, writer = await _open_pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                # The child gets no Ctrl-C, because it is in a session of its own. The launcher gets
                # it, and ends its children in order.
                start_new_session=True,
                preexec_fn=in_the_child,
                pass_fds=pass_fds,
            )
        except BaseException:
            output.close()
            raise
        finally:
            os.close(writer)
        return cls(process, output, lines, log)

    async def wait(self) -> int:
        """Wait for its end. Returns the exit status, or minus the signal that ended it."""
        return await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its process group. Does nothing if the group is empty."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.id, number)

    async def stop(self) -> None:
        """End the child and its process group, by SIGTERM and after STOP_S by SIGKILL.

        If the child has ended before, only what is left of its group is killed.
        """
        if self._process.returncode is None:
            self.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_S)
        self.signal(signal.SIGKILL)
        await self._process.wait()
        # The pipe ends when the last process of the group has ended. A process that left the group
        # may keep the pipe open for ever, so this waits no longer.
        await asyncio.wait([self._reading], timeout=_LAST_LINES_S)
        self._reading.cancel()
        self._output.close()


async def _open_pipe() -> tuple[asyncio.ReadTransport, asyncio.StreamReader, int]:
    """Return a pipe: its reading end as a transport and a reader, and the descriptor to write."""
    reader, writer = os.pipe()
    lines = asyncio.StreamReader(limit=_LONGEST_LINE_BYTES)
    output, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(reader, "rb", buffering=0)
    )
    return output, lines, writer


async def _read(lines: asyncio.StreamReader, log: Callable[[str], None]) -> None:
    while True:
        try:
            line = await lines.readline()
        except ValueError:
            # The line was longer than the limit, and asyncio has dropped it.
            log("(a very long line was dropped)")
            continue
        if not line:
            return
        log(line.decode("utf-8", "replace").rstrip())
