"""What this machine has to have: programs, a port, an X display. Asked before anything starts, and
by `fanlight doctor`.
"""

import errno
import os
import re
import shutil
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from fanlight_common.errors import ConfigurationError
from fanlight_launcher.machine import x11_access


@dataclass(frozen=True, slots=True)
class Program:
    """A program, the Debian package that has it, and what it is for."""

    name: str
    package: str
    purpose: str


DEMO_PROGRAMS = (
    Program("Xvfb", "xvfb", "the demonstration desk's X server"),
    Program("openbox", "openbox", "its window manager"),
    Program("xterm", "xterm", "its terminal"),
    Program("xclock", "x11-apps", "its clock"),
    Program("ico", "x11-apps", "something that moves"),
    Program("xeyes", "x11-apps", "somebody who looks at the pointer"),
    Program("xsetroot", "x11-xserver-utils", "its background"),
)


def missing(programs: tuple[Program, ...]) -> list[Program]:
    """Those that are not in PATH."""
    return [program for program in programs if shutil.which(program.name) is None]


def install_line(programs: list[Program]) -> str:
    """The command that gets them, on Debian."""
    packages = sorted({program.package for program in programs})
    return f"sudo apt-get install {' '.join(packages)}"


def check_programs(programs: tuple[Program, ...]) -> None:
    """Raise ConfigurationError with the command that gets what is missing."""
    absent = missing(programs)
    if absent:
        names = ", ".join(program.name for program in absent)
        raise ConfigurationError(
            f"the demonstration desk needs {names}: {install_line(absent)} "
            "(or stream a display that is there: fanlight up --desk main=:0)"
        )


def check_port(option: str, host: str, port: int) -> None:
    """Raise ConfigurationError if nobody could listen there."""
    reason = port_problem(host, port)
    if reason:
        raise ConfigurationError(
            f"{option} {port}: cannot listen on {host}:{port} ({reason}); "
            f"choose another with {option}"
        )


def port_problem(host: str, port: int) -> str:
    """Why nobody can listen there; "" where one can. Raises ConfigurationError for a wrong host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigurationError(f"--host {host}: {error.strerror}") from None
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the servers do: a connection that is just being closed is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "in use"
            return error.strerror or str(error)
    return ""


def display_socket(display: str) -> Path | None:
    """The socket of a display of this machine (`:0`, `unix:0.0`); None for any other."""
    found = re.fullmatch(r"(?:unix)?:([0-9]+)(?:\.[0-9]+)?", display)
    return Path(f"/tmp/.X11-unix/X{found[1]}") if found else None


def reach_display(display: str) -> str:
    """Why a display of this machine cannot be used; "" where it can, or cannot be told."""
    path = display_socket(display)
    if path is None:
        return ""
    try:
        refused = x11_access.refusal(path, path.name[1:], os.environ)
    except OSError as error:
        return f"no X server answers on {display} ({error.strerror or error})"
    if not refused:
        return ""
    return f"display {display} refuses us ({refused}); set XAUTHORITY to its cookie file"


def shared_memory_mib(path: Path = Path("/dev/shm")) -> int:
    """Free shared memory, MiB; -1 where there is none."""
    try:
        if not stat.S_ISDIR(path.stat().st_mode) or not os.access(path, os.W_OK):
            return -1
        return shutil.disk_usage(path).free >> 20
    except OSError:
        return -1


def segment_limit_mib(path: Path = Path("/proc/sys/kernel/shmmax")) -> int:
    """The largest SysV segment, MiB; -1 where there are none."""
    try:
        return int(path.read_text()) >> 20
    except (OSError, ValueError):
        return -1
