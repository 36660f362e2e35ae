"""`fanlight doctor`: what this machine has, what it lacks, and how to get that.

Lives on the main thread, and blocks while it looks. Owns no state, and changes nothing.
"""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fanlight_common.core.errors import ConfigurationError
from fanlight_launcher.core.plan import SCREENSHOT_HOST
from fanlight_launcher.machine.memory import segment_limit_mib, shared_memory_mib
from fanlight_launcher.machine.ports import port_problem
from fanlight_launcher.machine.programs import DEMO_PROGRAMS, Program, install_line, missing
from fanlight_launcher.machine.x11_access import reach_display

# A ring of four 4K frames takes half of this; the rest is for a ring that is being replaced.
_WANTED_SHM_MIB = 256
_WANTED_SEGMENT_MIB = 32
_PACKAGES = {
    "zmq": "the bus",
    "uvloop": "event loops",
    "av": "encoding",
    "PIL": "screenshots",
    "xcffib": "capture",
    "fastapi": "the gateway",
    "uvicorn": "the gateway",
    "websockets": "the gateway",
    "httpx": "the gateway",
    "jwt": "tokens",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. `remedy` is empty if nothing is wrong.

    A `needed` finding with a remedy makes the exit status 1.
    """

    subject: str
    found: str
    remedy: str = ""
    needed: bool = True


def findings(host: str, port: int, screenshot_port: int) -> list[Finding]:
    """Return all findings about this machine."""
    found = [_package(name, purpose) for name, purpose in _PACKAGES.items()]
    found += [_program(program) for program in DEMO_PROGRAMS]
    found += [
        _font(),
        _memory("shared memory", shared_memory_mib(), _WANTED_SHM_MIB, "free", "/dev/shm"),
        _memory("SysV segments", segment_limit_mib(), _WANTED_SEGMENT_MIB, "each", "kernel.shmmax"),
        _port("--port", host, port),
        _port("--screenshot-port", SCREENSHOT_HOST, screenshot_port),
    ]
    display = os.environ.get("DISPLAY", "")
    if display:
        problem = reach_display(display)
        found.append(
            Finding(
                f"display {display}",
                problem or "answers",
                "unset DISPLAY, or see to its X server" if problem else "",
                # It is not needed, because the demonstration desk has a display of its own.
                needed=False,
            )
        )
    return found


def doctor(host: str, port: int, screenshot_port: int, console: Console) -> int:
    """Print the findings and what to do about them. Returns the exit status."""
    found = findings(host, port, screenshot_port)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for finding in found:
        bad = bool(finding.remedy)
        mark = Text("✗", "bold red") if bad else Text("✓", "green")
        table.add_row(mark, finding.subject, finding.found, Text(finding.remedy, "yellow"))
    console.print(table)
    absent = missing(DEMO_PROGRAMS)
    if absent:
        console.print(f"\nTo get the programs:\n  {install_line(absent)}", highlight=False)
    if any(finding.remedy and finding.needed for finding in found):
        return 1
    console.print("\nNothing is missing: fanlight up", style="green", highlight=False)
    return 0


def _package(name: str, purpose: str) -> Finding:
    if importlib.util.find_spec(name) is not None:
        return Finding(name, f"Python package for {purpose}")
    return Finding(name, f"Python package for {purpose}: missing", "pip install 'fanlight[all]'")


def _program(program: Program) -> Finding:
    if missing((program,)):
        remedy = f"apt-get install {program.package}"
        return Finding(program.name, f"{program.purpose}: missing", remedy)
    return Finding(program.name, program.purpose)


def _font() -> Finding:
    # It is not needed, because the terminal takes another font without it.
    there = any(Path("/usr/share/fonts").rglob("DejaVuSansMono.ttf"))
    remedy = "" if there else "apt-get install fonts-dejavu-core"
    return Finding("DejaVu Sans Mono", "its terminal's font", remedy, needed=False)


def _memory(subject: str, mib: int, wanted: int, each: str, where: str) -> Finding:
    if mib < 0:
        return Finding(subject, "none", f"see {where}")
    size = f"{mib} MiB {each}" if mib < 1 << 20 else f"more than a TiB {each}"
    return Finding(subject, size, "" if mib >= wanted else f"{wanted} MiB are wanted: {where}")


def _port(option: str, host: str, port: int) -> Finding:
    subject = f"port {port}"
    try:
        problem = port_problem(host, port)
    except ConfigurationError as error:
        return Finding(subject, str(error), "another --host")
    if problem:
        return Finding(subject, f"{problem} on {host}", f"fanlight up needs another {option}")
    return Finding(subject, f"free on {host}")
