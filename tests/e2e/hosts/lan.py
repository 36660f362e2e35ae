"""Several hosts on one machine: namespaces joined by veth, through a switch in one of its own.

A `Host` has a network, host name, shared memory, processes and mounts of its own, so that what runs
on two of them meets as on two machines: over the wire, and no other way. They share the file system
and the clocks. `cut` takes the wire out, `join` puts it back.

Everything hangs on a process of its own that lives as long as a pipe to this one: however this one
ends, the kernel kills what runs on the hosts and takes devices, mounts and namespaces away. The
machine's own network gets nothing. Needs root; `unavailable()` says what is missing.
"""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.netlab import devices

ADDRESS = "10.79.0.{}"
_NAMESPACES = ("--net", "--ipc", "--uts", "--mount", "--pid")
_START_S = 10.0


class LanError(Exception):
    """There can be no such network here; says why."""


def unavailable() -> str:
    """Why there can be no hosts on this machine; "" where there can."""
    if os.geteuid() != 0:
        return "only root makes hosts of namespaces"
    for command in ("ip", "nsenter", "unshare"):
        if not shutil.which(command):
            return f"hosts of namespaces need the command {command}"
    try:
        with Lan() as lan:
            lan.host("try")
    except LanError as error:
        return f"no hosts of namespaces here: {error}"
    return ""


class Host:
    """One host. `Lan.host` makes them."""

    def __init__(self, name: str, address: str, switch: "_Holder", port: str) -> None:
        self.name, self.address = name, address
        self._switch, self._port = switch, port
        self._holder = _Holder(*_NAMESPACES, "--mount-proc")
        self._processes: list[subprocess.Popen[str]] = []

    def command(self, command: Sequence[str]) -> list[str]:
        """A command that runs `command` there, as a child that goes with the host."""
        return ["nsenter", "--target", str(self._holder.pid), *_NAMESPACES, "--", *command]

    def run(self, *command: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run to its end; CalledProcessError where it fails."""
        return subprocess.run(self.command(command), check=True, text=True, **options)

    def popen(self, *command: str, **options: Any) -> "subprocess.Popen[str]":
        """Start something there, which ends with the host; `inner_pid` is what can be signalled."""
        process = subprocess.Popen(self.command(command), text=True, **options)
        self._processes.append(process)
        return process

    def connect(self, address: str, port: int, timeout_s: float = 10.0) -> socket.socket:
        """A TCP connection from this host. Raises OSError."""
        with self._inside():
            return socket.create_connection((address, port), timeout_s)

    def cut(self) -> None:
        """Take the wire out at the switch: no packet passes, and no side is told."""
        self._switch.ip("link", "set", self._port, "down")

    def join(self) -> None:
        """Put the wire back."""
        self._switch.ip("link", "set", self._port, "up")

    def close(self) -> None:
        """Kill whatever runs there, and take it away."""
        self._holder.close()
        for process in self._processes:
            process.wait(_START_S)

    def _plug_in(self) -> None:
        pid = str(self._holder.pid)
        peer = ("peer", "name", "eth0", "netns", pid)
        self._switch.ip("link", "add", self._port, "type", "veth", *peer)
        self._switch.ip("link", "set", self._port, "master", "switch0", "up")
        try:
            self.run("hostname", self.name)
        except subprocess.CalledProcessError as error:
            raise LanError(str(error)) from None
        self._holder.ip("link", "set", "lo", "up")
        self._holder.ip("address", "add", f"{self.address}/24", "dev", "eth0")
        self._holder.ip("link", "set", "eth0", "up")

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        with (
            open("/proc/thread-self/ns/net") as home,
            open(f"/proc/{self._holder.pid}/ns/net") as there,
        ):
            devices.enter(there.fileno())
            try:
                yield
            finally:
                devices.enter(home.fileno())


class Lan:
    """The switch, and the hosts on it. A context manager. Raises LanError."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self._switch = _Holder("--net", "--pid")
        try:
            self._switch.ip("link", "add", "switch0", "type", "bridge")
            self._switch.ip("link", "set", "switch0", "up")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def host(self, name: str) -> Host:
        """One host more, plugged in."""
        number = len(self.hosts) + 1
        host = Host(name, ADDRESS.format(number), self._switch, f"port{number}")
        self.hosts[name] = host
        host._plug_in()
        return host

    def close(self) -> None:
        """All of it goes."""
        for host in self.hosts.values():
            host.close()
        self._switch.close()


def inner_pid(process: "subprocess.Popen[str]") -> int:
    """What nsenter or unshare started, seen from here; 0: it has not, or that has ended."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
    return 0


class _Holder:
    """The first process in new namespaces. The kernel kills the others there when it ends."""

    def __init__(self, *namespaces: str) -> None:
        # Who ignores SIGCHLD leaves no zombies, of its own or adopted. What ends `cat` is the end
        # of its input: close() here, or the end of this process.
        self._process = subprocess.Popen(
            ["unshare", *namespaces, "--fork", "--kill-child=SIGKILL", "--", "sh", "-c",
             "trap '' CHLD; echo; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # the terminal's Ctrl-C is for the tests, which end this
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        if not self._process.stdout.readline():
            reason = self._process.stderr.read().strip()
            self.close()
            raise LanError(reason)
        self.pid = inner_pid(self._process)

    def ip(self, *arguments: str) -> None:
        """Run ip(8) in this network. Raises LanError."""
        command = ["nsenter", f"--net=/proc/{self.pid}/ns/net", "ip", *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise LanError(f"ip {' '.join(arguments)}: {ran.stderr.strip()}")

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_START_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
