"""One child process: started in a group of its own, its output read line by line, ended for good.

Lives on the launcher's loop. Whatever happens to the launcher, its children end: they are told by
the kernel when it dies (PR_SET_PDEATHSIG). Whatever a child leaves behind in its group ends too.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence

STOP_S = 2.0
_LAST_WORDS_S = 0.5
_LONGEST_LINE_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
"""Loaded here: between fork and exec a child had better not import anything."""


class Process:
    """A running child. `id` is also the id of its process group."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        output: asyncio.ReadTransport,
        lines: asyncio.StreamReader,
        say: Callable[[str], None],
    ) -> None:
        self._process = process
        self._output = output
        self._reading = asyncio.create_task(_read(lines, say))
        self.id = process.pid

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str],
        say: Callable[[str], None],
        pass_fds: tuple[int, ...] = (),
    ) -> "Process":
        """Start it; each line it prints goes to `say`. Raises OSError."""
        launcher = os.getpid()

        def in_the_child() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != launcher:
                # The launcher died before it could be watched.
                os._exit(1)

        # A pipe of our own: asyncio's would count the child as running while anything that it
        # started still holds the other end.
        output, lines, writer = await _open_pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                # A session of its own: Ctrl-C is for the launcher, which ends the others in order.
                start_new_session=True,
                preexec_fn=in_the_child,
                pass_fds=pass_fds,
            )
        except BaseException:
            output.close()
            raise
        finally:
            os.close(writer)
        return cls(process, output, lines, say)

    async def wait(self) -> int:
        """Its exit status, or minus the signal that ended it."""
        return await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing where nobody is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.id, number)

    async def stop(self) -> None:
        """End it and all of its group: politely for STOP_S, then not. Harmless when it ended."""
        if self._process.returncode is None:
            self.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), STOP_S)
        self.signal(signal.SIGKILL)
        await self._process.wait()
        # The pipe ends with the last of the group; who left the group does not keep us.
        await asyncio.wait([self._reading], timeout=_LAST_WORDS_S)
        self._reading.cancel()
        self._output.close()


async def _open_pipe() -> tuple[asyncio.ReadTransport, asyncio.StreamReader, int]:
    """A pipe: what is read from it, and the descriptor to write on."""
    reader, writer = os.pipe()
    lines = asyncio.StreamReader(limit=_LONGEST_LINE_BYTES)
    output, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(reader, "rb", buffering=0)
    )
    return output, lines, writer


async def _read(lines: asyncio.StreamReader, say: Callable[[str], None]) -> None:
    while True:
        try:
            line = await lines.readline()
        except ValueError:
            # Longer than the limit; asyncio has thrown it away.
            say("(a very long line was dropped)")
            continue
        if not line:
            return
        say(line.decode("utf-8", "replace").rstrip())
