"""The programs that the demonstration desk needs, and how to get them.

Owns the list of them. May be called on any thread; looks into PATH and runs none of them.
"""

import shutil
from dataclasses import dataclass

from fanlight_common.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Program:
    """A program, the Debian package that contains it, and what the desk needs it for."""

    name: str
    package: str
    purpose: str


DEMO_PROGRAMS = (
    Program("Xvfb", "xvfb", "the demonstration desk's X server"),
    Program("openbox", "openbox", "its window manager"),
    Program("xterm", "xterm", "its terminal"),
    Program("xclock", "x11-apps", "its clock"),
    Program("ico", "x11-apps", "something that moves"),
    Program("xeyes", "x11-apps", "eyes that follow the pointer"),
    Program("xsetroot", "x11-xserver-utils", "its background"),
)


def missing(programs: tuple[Program, ...]) -> list[Program]:
    """Return the programs that are not in PATH."""
    return [program for program in programs if shutil.which(program.name) is None]


def install_line(programs: list[Program]) -> str:
    """Return the command that installs them on Debian."""
    packages = sorted({program.package for program in programs})
    return f"sudo apt-get install {' '.join(packages)}"


def check_programs(programs: tuple[Program, ...]) -> None:
    """Raise ConfigurationError, with the command that installs them, if programs are missing."""
    absent = missing(programs)
    if absent:
        names = ", ".join(program.name for program in absent)
        raise ConfigurationError(
            f"the demonstration desk needs {names}: {install_line(absent)} "
            "(or stream a display that is there: fanlight up --desk main=:0)"
        )
