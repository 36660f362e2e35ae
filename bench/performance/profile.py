"""Shows where the time goes: tables of py-spy's samples of each service in several conditions.

    python -m bench.performance.profile [--only printing fanout] [--seconds 10]

`printing`: a viewer watches a terminal that prints (row 1 of the table); `typing` and `clip`: the
same with these loads; `idle`: nothing moves; `fanout`: one gateway and 500 viewers. It prints and
writes `bench/results/performance-profile.md`, which has for each process its CPU and the functions
in which its samples were taken, with all that they call and by themselves. py-spy comes with the
`bench` extra.

py-spy sees Python's functions, so what a C library does counts for its caller. What the event loop
does by itself (polling, callbacks) cannot be told from its waiting, so it is left out.
"""

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.age import loads
from bench.performance import fanout, stack, usage
from bench.performance.settings import Settings
from bench.processes import ROOT, module, started, x_server
from bench.results import DIRECTORY

RATE = 250
"""Samples a second."""
SHOWN = 12
_PY_SPY = str(Path(sys.executable).with_name("py-spy"))
_FRAME = re.compile(r"^(.*) \((.*?)(?::\d+)?\)$")
_WAITING = ("Runner.run", "_PollLikeSelector.select", "_worker", "Event.wait", "Condition.wait")
_AROUND = ("Runner.run", "Thread.", "BaseServer.", "_WorkItem.", "wrap_app", "_worker", "_run_")
_STARTERS = ("<module>", "main (fanlight_", "run (uvloop/", "run (fanlight_common/worker")
FILE = DIRECTORY / "performance-profile.md"

Profile = Mapping[tuple[str, ...], int]
"""Stacks, outermost function first, and how many samples had each."""


def parse(text: str) -> Profile:
    """Read py-spy's `raw` format: "a (file:1);b (file:2) COUNT" a line."""
    stacks: Counter[tuple[str, ...]] = Counter()
    for line in text.splitlines():
        frames, _, count = line.rpartition(" ")
        if frames:
            stacks[tuple(_name(frame) for frame in frames.split(";"))] += int(count)
    return stacks


def _name(frame: str) -> str:
    """Return `function (folder/file)`, without the line number."""
    found = _FRAME.match(frame)
    if not found:
        return frame
    return f"{found.group(1)} ({'/'.join(Path(found.group(2)).parts[-2:])})"


def table(profile: Profile, seconds: float, cpu_percent: float) -> str:
    """Return Markdown: shares of a core in percent, functions sorted by all that they take."""
    whole: Counter[str] = Counter()
    own: Counter[str] = Counter()
    for frames, count in profile.items():
        if frames[-1].split(" ")[0] in _WAITING:
            continue
        own[frames[-1]] += count
        for name in set(frames):
            whole[name] += count
    percent = 100 / (seconds * RATE)
    lines = ["| function | with what it calls | by itself |", "|---|---|---|"]
    names = [name for name, _ in whole.most_common() if not name.startswith((*_AROUND, *_STARTERS))]
    for name in names[:SHOWN]:
        lines.append(f"| `{name}` | {whole[name] * percent:.1f} | {own[name] * percent:.1f} |")
    rest = [name for name, _ in own.most_common(SHOWN) if name not in names[:SHOWN]]
    for name in rest[: SHOWN // 2]:
        lines.append(f"| `{name}` | {whole[name] * percent:.1f} | {own[name] * percent:.1f} |")
    known = sum(own.values()) * percent
    clock = f"{cpu_percent:.1f} % of a core by its clock"
    return f"{clock}, {known:.1f} % in these functions by samples." + "\n\n" + "\n".join(lines)


def sampled(pids: Mapping[str, int], seconds: float) -> dict[str, Profile]:
    """Sample all of these processes at once. Raises RuntimeError if py-spy fails."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as exits:
        spies = {
            name: exits.enter_context(
                started(
                    [
                        _PY_SPY, "record", "--pid", str(pid), "--format", "raw", "--nonblocking",
                        "--rate", str(RATE), "--duration", f"{seconds:.0f}",
                        "--output", f"{folder}/{name}",
                    ],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            for name, pid in pids.items()
        }  # fmt: skip
        for name, spy in spies.items():
            if spy.wait(seconds + 60):
                raise RuntimeError(f"py-spy could not look into {name}")
        return {name: parse(Path(folder, name).read_text()) for name in spies}


@contextlib.contextmanager
def _desk(load: str, settings: Settings) -> Iterator[dict[str, int]]:
    with (
        x_server(settings.size) as (display, _),
        stack.running(display) as running,
        loads.running(load, display),
    ):
        command = module(
            "bench.performance.programs.viewers",
            *("--port", str(running.port), "--token", running.token, "--forget"),
        )
        time.sleep(settings.warm_up)
        with started(command) as viewer:
            time.sleep(settings.settle if load == "idle" else settings.warm_up)
            if viewer.poll() is not None:
                raise RuntimeError("the viewer did not stay")
            yield {name: pid for name, pid in running.pids.items() if name != "fanlight"}


@contextlib.contextmanager
def _fanout(settings: Settings) -> Iterator[dict[str, int]]:
    with fanout.gateway() as server:
        command = module(
            "bench.performance.programs.viewers",
            *("--port", str(server.port), "--token", server.token),
            *("--count", str(settings.viewers)),
        )
        with started(command, stdout=subprocess.PIPE) as viewers:
            assert viewers.stdout is not None
            if viewers.stdout.readline().strip() != "ready":
                raise RuntimeError("the viewers got no picture")
            server.go()
            time.sleep(settings.warm_up + 1)
            yield {"gateway": server.pid}


CONDITIONS = {
    "printing": lambda settings: _desk("scroll", settings),
    "typing": lambda settings: _desk("type", settings),
    "clip": lambda settings: _desk("clip", settings),
    "idle": lambda settings: _desk("idle", settings),
    "fanout": _fanout,
}


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS))
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    about = (
        "Shares of a core, in percent, from samples; a function that waits for a core that is busy "
        "with something else counts as well, so they may sum to more than the process's clock."
    )
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    parts = [
        "# Where the time goes",
        about,
        f"{datetime.now(UTC):%Y-%m-%d}, revision {revision or 'unknown'}.",
    ]
    for condition in options.only:
        with CONDITIONS[condition](Settings()) as pids:
            before = {name: usage.cpu_s([pid]) for name, pid in pids.items()}
            began = time.monotonic()
            profiles = sampled(pids, options.seconds)
            took_s = time.monotonic() - began
            cpu = {name: usage.cpu_s([pid]) - before[name] for name, pid in pids.items()}
        parts.append(f"## {condition}")
        for name, profile in profiles.items():
            percent = 100 * cpu[name] / took_s
            parts += [f"### {name}", table(profile, options.seconds, percent)]
            print(f"{condition}: {name}: {sum(profile.values())} samples", file=sys.stderr)
    text = "\n\n".join(parts) + "\n"
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
