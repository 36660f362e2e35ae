"""Real processes for tests: an X server, `fanlight up`, a slow link; and how to wait for them."""

import asyncio
import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import xcffib
import xcffib.xproto  # without it a connection has no QueryKeymap

from tests.ports import clear_display, free_display, free_port

FANLIGHT = str(Path(sys.executable).with_name("fanlight"))
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # This name leads to this machine, but browsers do not call its origin secure, as it is not
    # localhost.
    "--host-resolver-rules=MAP insecure.test 127.0.0.1",
]

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain http. Without it, httpx reads the list of authorities for each client, which takes 20
ms of CPU."""


def wait_until(condition: Callable[[], Any], what: str, limit_s: float = 60.0) -> Any:
    """Call `condition` until it returns something true, and return that.

    Raises AssertionError, which names `what`, after `limit_s`.
    """
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not in {limit_s:.0f} s: {what}"
        time.sleep(0.02)


def answers(url: str, status: int = 200, token: str = "") -> bool:
    """Return whether a server answers there with this status. One that is starting does not."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        got = httpx.get(url, headers=headers, trust_env=False, verify=NO_TLS, timeout=20)
    except httpx.TransportError:
        return False
    return got.status_code == status


def wait_ready(url: str, status: int = 200, token: str = "", limit_s: float = 60.0) -> None:
    """Wait until a server answers there with this status. Whoever starts a server calls this."""
    wait_until(lambda: answers(url, status, token), f"{status} from {url}", limit_s)


@contextlib.contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process. When the block ends, end the process and close its pipes."""
    process: subprocess.Popen[str] = subprocess.Popen(command, text=True, **options)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Terminate a process, kill it if it is not gone after 10 s, and close its pipes."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


class XServer:
    """An Xvfb with a display number of its own, which it keeps over `stop` and `start`."""

    def __init__(self, size: str = "1280x720") -> None:
        self.size = size
        self.display = f":{free_display()}"
        """The display's name, as in $DISPLAY."""
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it is ready."""
        reader, writer = os.pipe()
        command = ["Xvfb", self.display, "-displayfd", str(writer)]
        command += ["-screen", "0", f"{self.size}x24", "-nolisten", "tcp", "-noreset"]
        self.process = subprocess.Popen(
            command, pass_fds=(writer,), stderr=subprocess.DEVNULL, text=True
        )
        os.close(writer)
        with os.fdopen(reader) as numbers:
            line = numbers.readline()
        assert line.strip(), "Xvfb did not start"

    def stop(self) -> None:
        """Kill the server, as a crash would end it."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End the server for good, with the files that it leaves."""
        self.stop()
        clear_display(int(self.display.removeprefix(":")))

    def keys_down(self) -> bool:
        """Return whether any key is down."""
        connection = xcffib.connect(display=self.display)
        keys = bytes(connection.core.QueryKeymap().reply().keys)
        connection.disconnect()
        return any(keys)

    def resize(self, width: int, height: int) -> None:
        """Give the running server another size, in pixels."""
        # xrandr fails although it changes the size: it also tries to restore the monitor that it
        # had to switch off, for which the small screen has no room.
        subprocess.run(
            ["xrandr", "--fb", f"{width}x{height}"],
            env={**os.environ, "DISPLAY": self.display},
            stderr=subprocess.DEVNULL,
            check=False,
        )


class Stack:
    """`fanlight up` with these desks (name and display), and what its output says."""

    def __init__(self, desks: dict[str, str], *options: str, **environment: str) -> None:
        self.port, self.screenshot_port = free_port(), free_port()
        command = [FANLIGHT, "up", "--port", str(self.port)]
        command += ["--screenshot-port", str(self.screenshot_port), *options]
        for name, display in desks.items():
            command += ["--desk", f"{name}={display}"]
        self._lines: list[str] = []
        self._environment = {**os.environ, **environment}
        self.process = subprocess.Popen(
            command,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.link: str = wait_until(self._find_link, "the link", 60)

    @property
    def url(self) -> str:
        """Return the gateway's base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """Return all that it has printed so far."""
        return "".join(self._lines)

    def token(self, *options: str) -> str:
        """Return a token, made by `fanlight token --raw` with these options."""
        command = [FANLIGHT, "token", "--raw", *options]
        return subprocess.run(
            command, check=True, text=True, capture_output=True, env=self._environment
        ).stdout.strip()

    def pid(self, service: str, desk: str = "") -> int:
        """Return the process id of this launcher's `service`; 0 if it does not run."""
        for child in _children(self.process.pid):
            with contextlib.suppress(OSError):
                proc = Path(f"/proc/{child}")
                arguments = (proc / "cmdline").read_text().split("\0")
                environment = (proc / "environ").read_text().split("\0")
                if f"fanlight_{service}" in arguments and (
                    not desk or f"FANLIGHT_CAPTURE_DESK={desk}" in environment
                ):
                    return child
        return 0

    def kill(self, service: str) -> int:
        """Kill a service by SIGKILL, and return the process id that it had."""
        pid = int(wait_until(lambda: self.pid(service), f"{service} to kill"))
        os.kill(pid, signal.SIGKILL)
        return pid

    def health_url(self, id_: str) -> str:
        """Return the newest health URL on this machine that a service logged."""
        pattern = rf"event=start kind=\S+ id={id_} health=(\S+)"
        found = wait_until(lambda: re.findall(pattern, self.output), f"health URL of {id_}")
        return str(found[-1])

    def close(self) -> None:
        """Stop all of it. Raises AssertionError if it does not end with status 0."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        finally:
            end(self.process)
            self._reader.join(5)
        assert self.process.returncode == 0, self.output[-3000:]

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError):  # the pipe was closed during a read
            self._lines.extend(self.process.stdout)

    def _find_link(self) -> str:
        assert self.process.poll() is None, f"fanlight up ended:\n{self.output}"
        found = re.search(r"http://\S+#token=\S+", self.output)
        return found.group() if found else ""


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


class DelayProxy:
    """A TCP proxy before a port, with a delay in each direction that can be changed at any time.

    Bytes stay in order and none is lost, as on a congested link. It runs on a thread of its own.
    """

    def __init__(self, target_port: int) -> None:
        self.delay_s = 0.0
        self.down_bytes = 0
        self._target_port = target_port
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.port = 0
        self.refusing = False
        self._thread.start()
        assert self._ready.wait(10)

    def cut(self) -> None:
        """Abort every connection that is open now."""
        self._loop.call_soon_threadsafe(self._cut)

    def close(self) -> None:
        """Abort all connections and end the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopping.wait()
        server.close()
        self._cut()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        if self.refusing:
            near_out.transport.abort()
            return
        try:
            far, far_out = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            near_out.transport.abort()
            return
        self._open |= {near_out, far_out}
        try:
            await asyncio.gather(
                self._pump(near, far_out, down=False), self._pump(far, near_out, down=True)
            )
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the connection, and with it this task, has ended
        finally:
            self._open -= {near_out, far_out}
            near_out.transport.abort()
            far_out.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, down: bool
    ) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1024)

        async def deliver() -> None:
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                if not data:
                    raise ConnectionResetError
                sink.write(data)
                await sink.drain()

        delivering = asyncio.ensure_future(deliver())
        try:
            while True:
                reading = asyncio.ensure_future(source.read(65536))
                await asyncio.wait({reading, delivering}, return_when=asyncio.FIRST_COMPLETED)
                if delivering.done():
                    reading.cancel()
                    delivering.result()
                data = reading.result()
                if down:
                    self.down_bytes += len(data)
                await queue.put((self._loop.time() + self.delay_s, data))
                if not data:
                    await delivering
        finally:
            delivering.cancel()
