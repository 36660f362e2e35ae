"""Starts processes and X servers that end with a block, and measures what processes cost."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process. When the block ends, end the process and close its output."""
    process: subprocess.Popen[str] = subprocess.Popen(command, text=True, cwd=ROOT, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this tree."""
    return [sys.executable, "-m", name, *arguments]


@contextlib.contextmanager
def x_server(size: str, command: tuple[str, ...] = ("Xvfb",)) -> Iterator[tuple[str, int]]:
    """Start an X server, Xvfb or the VNC server in `command`; yield its display and process id."""
    reader, writer = os.pipe()
    screen = (
        ["-screen", "0", f"{size}x24"]
        if command == ("Xvfb",)
        else ["-geometry", size, "-depth", "24"]
    )
    with started(
        [*command, "-displayfd", str(writer), *screen, "-nolisten", "tcp"],
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(writer)
        with os.fdopen(reader) as numbers:
            number = numbers.readline().strip()
        if not number:
            raise RuntimeError(f"{command[0]} did not start")
        yield f":{number}", process.pid


def wait_for_server(port: int, process: subprocess.Popen[str], limit_s: float = 60.0) -> None:
    """Wait until the process listens on `port`. Raises RuntimeError if it ends or is late."""
    deadline = time.monotonic() + limit_s
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not listen on port {port}")


def cpu_seconds(roots: list[int]) -> dict[str, float]:
    """Return the CPU seconds so far of each process at or below `roots`, by name."""
    ticks = os.sysconf("SC_CLK_TCK")
    parents, spent = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            pid = int(stat.parent.name)
            parents[pid] = int(fields[1])
            spent[pid] = (int(fields[11]) + int(fields[12])) / ticks
    found: dict[str, float] = {}
    for pid in parents:
        above = pid
        while above not in roots and above in parents:
            above = parents[above]
        if above in roots:
            with contextlib.suppress(OSError):
                arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
                name = process_name(arguments)
                found[name] = found.get(name, 0.0) + spent[pid]
    return found


def process_name(arguments: list[str]) -> str:
    """Return a short name: `encoder` for `python -m fanlight_encoder`, else the program's name."""
    for argument in arguments:
        if argument.startswith("fanlight_"):
            return argument.removeprefix("fanlight_")
    names = [Path(argument).name for argument in arguments if not argument.startswith("-")]
    plain = [name for name in names if name and not name.startswith("python")]
    return plain[0] if plain else "?"
