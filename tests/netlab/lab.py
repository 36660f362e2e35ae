"""The network laboratory: a bad network of one's choice, for real programs.

A `Lab` is a network namespace (far) that is joined to the present one (near) by a link with a rate,
a delay, jitter, loss and a drop-tail queue in each direction, which can be changed while it runs.
Servers run near, as ever, and are reached at `lab.near`; viewers run far:

    with Lab(rate_mbit=1, delay_ms=100) as lab:
        lab.run(["curl", lab.url(8080)])
        lab.set(loss=0.02)                      # both directions
        lab.set_up(rate_mbit=0.2)               # from far to near only
        before = lab.read()
        ...
        print(lab.read().down.mbit_since(before.down))

        playwright.chromium.launch(
            executable_path=lab.wrapper("/usr/bin/chromium"), args=[*flags, lab.secure(8080)]
        )

Several may be open at once; each has devices and addresses of its own. Needs root, /dev/net/tun and
ip(8); `unavailable()` says what is missing. Rates count IP packets, headers included. The link is
true to about a millisecond unless the machine is overloaded, which `late_ms` of a reading shows.
"""

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from . import devices
from .devices import FAR, NEAR
from .forwarder import CONTROL_BYTES
from .model import Conditions, Reading
from .trace import Step

START_S = 20.0
STOP_S = 10.0

_SO_SNDBUFFORCE = 32  # because a long trace is one datagram


class LabError(Exception):
    """The laboratory cannot be opened, or its forwarder has died."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings of both directions at one moment."""

    down: Reading
    up: Reading


def unavailable() -> str:
    """Return why this machine can have no laboratory; "" if it can."""
    if not sys.platform.startswith("linux"):
        return "a network laboratory needs Linux"
    for command in ("ip", "nsenter"):
        if not shutil.which(command):
            return f"a network laboratory needs the command {command}"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "a network laboratory needs root and /dev/net/tun"
    try:
        Lab().close()
    except LabError as error:
        return f"a network laboratory cannot be opened here: {error}"
    return ""


class Lab:
    """A far namespace and the link to it; a context manager. Safe to use from several threads.

    `changes` are fields of `Conditions`, for both directions. `congestion` is what TCP uses over
    the link instead of the machine's own choice, such as "cubic". `seed` decides who is lost.
    """

    def __init__(self, *, congestion: str | None = None, seed: int = 1, **changes: Any) -> None:
        self.down = self.up = Conditions(**changes)
        self._lock = threading.Lock()
        self._directory = tempfile.TemporaryDirectory(prefix="netlab-")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.suppress(PermissionError):  # the forwarder gives a better reason
            self._control.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, CONTROL_BYTES)
        self._control.settimeout(START_S)
        package = __package__ or "netlab"
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{package}.forwarder", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            cwd=Path(__file__).parents[package.count(".") + 1],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # the terminal's Ctrl-C and hang-up go to the owner
        )
        theirs.close()
        try:
            number = self._ask({"congestion": congestion, "seed": seed})["number"]
            self.near, self.far = NEAR.format(number), FAR.format(number)
            self.play([Step(1, self.down, self.up)], again=False)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Lab":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Return the process id of the forwarder, which lives in the far namespace."""
        return self._process.pid

    def set(self, **changes: Any) -> None:
        """Change fields of `Conditions` in both directions from now on, and end a trace."""
        self._change(replace(self.down, **changes), replace(self.up, **changes))

    def set_down(self, **changes: Any) -> None:
        """Do the same from near to far only, which is what a viewer downloads."""
        self._change(replace(self.down, **changes), self.up)

    def set_up(self, **changes: Any) -> None:
        """Do the same from far to near only."""
        self._change(self.down, replace(self.up, **changes))

    def play(self, steps: Iterable[Step], *, again: bool = True) -> None:
        """Play a trace from now on, again and again, or once, and then keep its last step."""
        steps = list(steps)
        encoded = [(step.seconds, asdict(step.down), asdict(step.up)) for step in steps]
        self._ask({"steps": encoded, "again": again})

    def read(self) -> Readings:
        """Return the counters and the length of the queue now."""
        answer = self._ask({})
        return Readings(Reading(**answer["down"]), Reading(**answer["up"]))

    def url(self, port: int) -> str:
        """Return the URL of a near HTTP server, as the far side sees it."""
        return f"http://{self.near}:{port}"

    def secure(self, port: int) -> str:
        """Return Chromium's flag to call that URL secure, without which it has no WebCodecs."""
        return f"--unsafely-treat-insecure-origin-as-secure={self.url(port)}"

    def command(self, command: Sequence[str]) -> list[str]:
        """Return a command that runs `command` on the far side, by exec."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *command]

    def popen(self, command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
        """Start a process on the far side. `close` kills it if it still runs then."""
        return subprocess.Popen(self.command(command), **options)

    def run(self, command: Sequence[str], **options: Any) -> "subprocess.CompletedProcess[Any]":
        """Run a process on the far side to its end, with options as for `subprocess.run`."""
        return subprocess.run(self.command(command), **options)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Put this thread on the far side within the block. A socket made there stays there."""
        with open("/proc/thread-self/ns/net") as home, open(f"/proc/{self.pid}/ns/net") as there:
            devices.enter(there.fileno())
            try:
                yield
            finally:
                devices.enter(home.fileno())

    def wrapper(self, program: str) -> str:
        """Return the path of a program that runs `program` on the far side, for APIs that
        take one.
        """
        script = Path(self._directory.name, Path(program).name)
        script.write_text(f'#!/bin/sh\nexec {shlex.join(self.command([program]))} "$@"\n')
        script.chmod(0o755)
        return str(script)

    def close(self) -> None:
        """Remove the link and the namespace, and kill what still runs there."""
        self._control.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._directory.cleanup()

    def _change(self, down: Conditions, up: Conditions) -> None:
        self.play([Step(1, down, up)], again=False)
        self.down, self.up = down, up

    def _ask(self, wish: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            try:
                self._control.send(json.dumps(wish).encode())
                data = self._control.recv(CONTROL_BYTES)
            except OSError as error:
                raise LabError(f"the forwarder does not answer: {error}") from None
        if not data:
            raise LabError("the forwarder ended; it said why on standard error")
        answer: dict[str, Any] = json.loads(data)
        if "error" in answer:
            raise LabError(answer["error"])
        return answer
