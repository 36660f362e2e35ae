"""Several hosts on one machine: network namespaces that veth pairs join to a switch in another one.

A `Host` has a network, host name, shared memory, processes and mounts of its own, so programs on
two of them meet only over the wire, as on two machines. They share the file system and the clocks.
`cut` takes the wire out, and `join` puts it back.

A process of its own holds each namespace open, and lives as long as a pipe to this process. However
this process ends, the kernel then kills what runs on the hosts and removes devices, mounts and
namespaces. The machine's own network is not changed. This needs root; `unavailable()` says what is
missing.
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
    """No such network can be made here; the text says why."""


def unavailable() -> str:
    """Return why no hosts can be made on this machine; "" if they can."""
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
    """One host, made by `Lan.host`."""

    def __init__(self, name: str, address: str, switch: "_Holder", port: str) -> None:
        self.name, self.address = name, address
        self._switch, self._port = switch, port
        self._holder = _Holder(*_NAMESPACES, "--mount-proc")
        self._processes: list[subprocess.Popen[str]] = []

    def command(self, command: Sequence[str]) -> list[str]:
        """Return a command that runs `command` on the host, as a child that ends with the host."""
        return ["nsenter", "--target", str(self._holder.pid), *_NAMESPACES, "--", *command]

    def run(self, *command: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end. Raises CalledProcessError if it fails."""
        return subprocess.run(self.command(command), check=True, text=True, **options)

    def popen(self, *command: str, **options: Any) -> "subprocess.Popen[str]":
        """Start a command, which ends with the host. Signals have to go to its `inner_pid`."""
        process = subprocess.Popen(self.command(command), text=True, **options)
        self._processes.append(process)
        return process

    def connect(self, address: str, port: int, timeout_s: float = 10.0) -> socket.socket:
        """Return a TCP connection from this host. Raises OSError."""
        with self._inside():
            return socket.create_connection((address, port), timeout_s)

    def cut(self) -> None:
        """Take the wire out at the switch: no packet passes, and neither side is told."""
        self._switch.ip("link", "set", self._port, "down")

    def join(self) -> None:
        """Put the wire back."""
        self._switch.ip("link", "set", self._port, "up")

    def close(self) -> None:
        """Kill whatever runs on the host, and remove it."""
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
    """The switch and the hosts on it; a context manager. Raises LanError."""

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
        """Add a host and plug it in."""
        number = len(self.hosts) + 1
        host = Host(name, ADDRESS.format(number), self._switch, f"port{number}")
        self.hosts[name] = host
        host._plug_in()
        return host

    def close(self) -> None:
        """Remove all hosts, then the switch."""
        for host in self.hosts.values():
            host.close()
        self._switch.close()


def inner_pid(process: "subprocess.Popen[str]") -> int:
    """Return the process id of what nsenter or unshare started; 0 if nothing runs."""
    with contextlib.suppress(OSError, ValueError):
        return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
    return 0


class _Holder:
    """The first process in new namespaces. When it ends, the kernel kills the others there."""

    def __init__(self, *namespaces: str) -> None:
        # The shell ignores SIGCHLD, so that no child of it, own or adopted, becomes a zombie. `cat`
        # ends when its input does, which is at close() or when this process ends.
        self._process = subprocess.Popen(
            ["unshare", *namespaces, "--fork", "--kill-child=SIGKILL", "--", "sh", "-c",
             "trap '' CHLD; echo; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal goes to the tests, which then end this
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
