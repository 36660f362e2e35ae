"""The demonstration desk: an X server of its own, a window manager, a terminal, things that move.

Owns what the desk looks like, on the launcher's main thread. Every program comes from Debian, and
openbox and the shell read configuration that this module writes, so that the desk looks the same
everywhere. All programs together take a few per cent of a core.
"""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fanlight_launcher.core import openbox
from fanlight_launcher.core.openbox import WindowRule
from fanlight_launcher.core.process_spec import ProcessSpec, always
from fanlight_launcher.demo import terminal
from fanlight_launcher.machine.x11_access import write_cookie

X_SERVER = "xserver"
WINDOW_MANAGER = "windows"
SIZE = "1920x1080"
_BACKGROUND = "#1d3a45"

# openbox places each window, because a program's own wish is not enough: ico sets no size hints, so
# openbox ignored its -geometry and centred it, and the terminal hid it. No rectangle overlaps
# another, whatever the order in which the windows appear. A frame adds 1 pixel at the left and the
# right, 22 above and 6 below. Only the terminal takes the keyboard, so that a person can type at
# once.
_TERMINAL = WindowRule(80, 79, 1380, 894, name="demo-terminal", focus=True)
_CLOCK = WindowRule(1498, 79, 340, 340, name="demo-clock")
_POLYHEDRON = WindowRule(1498, 477, 340, 272, title="Ico: thread 1")
_EYES = WindowRule(1498, 807, 340, 166, name="demo-eyes")


@dataclass(frozen=True, slots=True)
class _Program:
    """A program with one window."""

    name: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


_TOYS = (
    _Program(
        "clock",
        (
            *("xclock", "-name", _CLOCK.name, "-title", "Clock", "-update", "1", "-padding", "16"),
            *("-bg", "#f4efe6", "-xrm", "*hourColor: #33474f", "-xrm", "*minuteColor: #33474f"),
            *("-xrm", "*secondColor: #c8553d", "-xrm", "*majorColor: #33474f"),
            *("-xrm", "*minorColor: #8a9aa0"),
        ),
        # In a UTF-8 locale xclock complains about fonts that it does not use.
        (("LC_ALL", "C"),),
    ),
    _Program(
        "polyhedron",
        (
            # ico takes neither a name nor a title. So its rule names the title that it has.
            *("ico", "-geometry", f"{_POLYHEDRON.width}x{_POLYHEDRON.height}"),
            *("-size", "150x150", "-delta", "+3+2", "-faces", "-obj", "icosahedron"),
            *("-sleep", "0.04", "-bg", "#16282f", "-colors", "#f2c14e"),
        ),
    ),
    _Program(
        "eyes",
        (
            *("xeyes", "-name", _EYES.name, "-title", "Eyes", "-fg", "#16282f"),
            *("-center", "#fffdf7", "-outline", "#33474f"),
        ),
    ),
)


class DemoDesk:
    """The desk's files, and the processes that it needs.

    The constructor writes the files into `directory`, which the caller removes. The programs of the
    desk get `environment` beside the address of the desk.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._cookies = directory / "xauthority"
        self.display = ""
        """Empty until the X server has run once. It stays the same when the server is restarted."""
        write_cookie(self._cookies)
        terminal.write_files(directory)
        menu = directory / "menu.xml"
        items = (
            ("Terminal", shlex.join(terminal.command(directory, "-geometry", "100x30"))),
            ("Clock", "xclock -update 1"),
            ("Calculator", "xcalc"),
            ("Eyes", "xeyes"),
            ("Polyhedron", "ico -faces -sleep 0.04 -colors white"),
        )
        menu.write_text(openbox.menu("fanlight", items))
        rules = (_TERMINAL, _CLOCK, _POLYHEDRON, _EYES)
        (directory / "openbox.xml").write_text(openbox.configuration(str(menu), rules))

    def environment(self) -> dict[str, str]:
        """Return what a program of the desk, or its capture, has to know."""
        return {"DISPLAY": self.display, "XAUTHORITY": str(self._cookies)}

    def server(self) -> ProcessSpec:
        """Return the X server. It announces its display number when it is ready."""
        return ProcessSpec(
            X_SERVER,
            self._server_command,
            {},
            note=f"{SIZE}, private",
            announced=self._announced,
            # It prints two such lines for each display number in use that it tries.
            noise="_XSERVTrans",
        )

    def programs(self) -> list[ProcessSpec]:
        """Return the programs of the desk. Each is started again when it ends.

        Call it when the X server runs, because the programs have to know its display.
        """
        environment = {
            **self._environment,
            **self.environment(),
            # The desk uses UTF-8, whatever the machine's locale is.
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            # The shell has to find `fanlight token`, which its welcome names.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        }
        xterm = _Program(
            "terminal", tuple(terminal.command(self._directory, "-name", _TERMINAL.name))
        )
        return [
            ProcessSpec(
                "background",
                always("xsetroot", "-solid", _BACKGROUND),
                environment,
                needs=X_SERVER,
                once=True,
                essential=False,
            ),
            ProcessSpec(
                WINDOW_MANAGER,
                self._window_manager_command,
                environment,
                announced=lambda _: None,
                needs=X_SERVER,
                essential=False,
            ),
            *(
                ProcessSpec(
                    program.name,
                    always(*program.command),
                    {**environment, **dict(program.environment)},
                    needs=WINDOW_MANAGER,
                    essential=False,
                )
                for program in (xterm, *_TOYS)
            ),
        ]

    def _announced(self, number: str) -> None:
        self.display = f":{number}"

    def _server_command(self, announce_on: int) -> Sequence[str]:
        # At its first start the server takes a free number. Later it takes that number again,
        # because the desk's capture knows no other.
        number = [self.display] if self.display else []
        return [
            *("Xvfb", *number, "-displayfd", str(announce_on)),
            *("-screen", "0", f"{SIZE}x24", "-dpi", "96"),
            *("-auth", str(self._cookies), "-nolisten", "tcp", "-noreset"),
        ]

    def _window_manager_command(self, announce_on: int) -> Sequence[str]:
        # openbox may never take a window that is mapped while openbox starts, even when openbox
        # calls itself the window manager already. So it announces itself by its --startup command,
        # which it runs once it has looked at all windows. That command inherits no descriptor, so
        # it opens the descriptor by its path.
        ready = f"sh -c 'echo ready >/proc/$$/fd/{announce_on}'"
        config = shlex.quote(str(self._directory / "openbox.xml"))
        command = f'exec openbox --sm-disable --config-file {config} --startup "{ready}"'
        return ["sh", "-c", command]
