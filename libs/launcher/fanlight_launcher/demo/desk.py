"""The demonstration desk: an X server of its own, a window manager, a terminal, things that move.

Owns what the desk looks like. Everything is drawn with what Debian has; nothing reads the user's
own configuration, so it looks the same everywhere. All of it together: a few per cent of a core.
"""

import os
import secrets
import shlex
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from fanlight_launcher.processes.supervisor import Spec, always

SERVER = "xserver"
WINDOWS = "windows"
SIZE = "1920x1080"
_BACKGROUND = "#1d3a45"
_FAMILY_WILD = 0xFFFF
_COOKIE_NAME = b"MIT-MAGIC-COOKIE-1"

_WELCOME = """\
\x1b[38;5;222m
     _..--|--.._
   .' \\   |   / '.     \x1b[1;38;5;231mfanlight\x1b[0;38;5;222m
  /    \\  |  /    \\    \x1b[38;5;250mthe window above the door\x1b[38;5;222m
 |______\\_|_/______|
\x1b[0m
  This is a real desktop, on the machine that runs \x1b[1mfanlight up\x1b[0m.
  What you type and point at in the browser arrives here.

  \x1b[38;5;116mTry\x1b[0m   ls --color /usr/share    something to read
        top                      something that changes
        right-click the background for a menu

  \x1b[38;5;116mYours\x1b[0m fanlight up --desk main=:0     your own display instead
        fanlight token --role view     a link that can only watch

"""

_RC = """\
<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <placement><policy>Smart</policy><center>yes</center></placement>
  <theme>
    <name>Clearlooks-3.4</name><titleLayout>NLIMC</titleLayout>
    <keepBorder>yes</keepBorder><animateIconify>no</animateIconify>
    <font place="ActiveWindow"><name>DejaVu Sans</name><size>10</size></font>
    <font place="InactiveWindow"><name>DejaVu Sans</name><size>10</size></font>
    <font place="MenuItem"><name>DejaVu Sans</name><size>11</size></font>
  </theme>
  <desktops><number>1</number><popupTime>0</popupTime></desktops>
  <keyboard>
    <keybind key="A-F4"><action name="Close"/></keybind>
    <keybind key="A-Tab"><action name="NextWindow"/></keybind>
  </keyboard>
  <mouse>
    <context name="Frame">
      <mousebind button="A-Left" action="Drag"><action name="Move"/></mousebind>
      <mousebind button="A-Right" action="Drag"><action name="Resize"/></mousebind>
    </context>
    <context name="Titlebar">
      <mousebind button="Left" action="Press">
        <action name="Focus"/><action name="Raise"/>
      </mousebind>
      <mousebind button="Left" action="Drag"><action name="Move"/></mousebind>
      <mousebind button="Left" action="DoubleClick">
        <action name="ToggleMaximize"/>
      </mousebind>
    </context>
    <context name="Top"><mousebind button="Left" action="Drag">
      <action name="Resize"><edge>top</edge></action></mousebind></context>
    <context name="Left"><mousebind button="Left" action="Drag">
      <action name="Resize"><edge>left</edge></action></mousebind></context>
    <context name="Right"><mousebind button="Left" action="Drag">
      <action name="Resize"><edge>right</edge></action></mousebind></context>
    <context name="Bottom"><mousebind button="Left" action="Drag">
      <action name="Resize"><edge>bottom</edge></action></mousebind></context>
    <context name="TRCorner BRCorner TLCorner BLCorner">
      <mousebind button="Left" action="Drag"><action name="Resize"/></mousebind>
    </context>
    <context name="Client">
      <mousebind button="Left" action="Press">
        <action name="Focus"/><action name="Raise"/>
      </mousebind>
      <mousebind button="Right" action="Press"><action name="Focus"/></mousebind>
    </context>
    <context name="Close">
      <mousebind button="Left" action="Click"><action name="Close"/></mousebind>
    </context>
    <context name="Maximize">
      <mousebind button="Left" action="Click"><action name="ToggleMaximize"/></mousebind>
    </context>
    <context name="Iconify">
      <mousebind button="Left" action="Click"><action name="Lower"/></mousebind>
    </context>
    <context name="Root">
      <mousebind button="Right" action="Press">
        <action name="ShowMenu"><menu>root-menu</menu></action>
      </mousebind>
    </context>
  </mouse>
  <menu><file>{menu}</file></menu>
</openbox_config>
"""

_MENU = """\
<?xml version="1.0" encoding="UTF-8"?>
<openbox_menu xmlns="http://openbox.org/3.4/menu">
  <menu id="root-menu" label="fanlight">
    {items}
  </menu>
</openbox_menu>
"""
_MENU_ITEMS = (
    ("Terminal", "{terminal}"),
    ("Clock", "xclock -update 1"),
    ("Calculator", "xcalc"),
    ("Eyes", "xeyes"),
    ("Polyhedron", "ico -faces -sleep 0.04 -colors white"),
)


class DemoDesk:
    """The desk's files, and what has to run for it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._cookies = directory / "xauthority"
        self.display = ""
        """Known once its server runs; kept when that is started again."""
        write_cookie(self._cookies)
        (directory / "welcome").write_text(_WELCOME)
        menu = directory / "menu.xml"
        terminal = shlex.join(self._terminal("100x30"))
        items = "".join(
            f'<item label="{label}"><action name="Execute"><command>'
            f"{escape(command.format(terminal=terminal))}</command></action></item>"
            for label, command in _MENU_ITEMS
        )
        menu.write_text(_MENU.format(items=items))
        (directory / "openbox.xml").write_text(_RC.format(menu=escape(str(menu))))

    def environment(self) -> dict[str, str]:
        """What a program of the desk, or its capture, has to know."""
        return {"DISPLAY": self.display, "XAUTHORITY": str(self._cookies)}

    def server(self) -> Spec:
        """The X server. It says its number when it is ready."""
        return Spec(
            SERVER,
            self._server_command,
            {},
            note=f"{SIZE}, private",
            announced=self._announced,
            # Two lines for each number in use that it tries.
            noise="_XSERVTrans",
        )

    def programs(self) -> list[Spec]:
        """What runs on it, each started again when it ends. Only once its server has run."""
        environment = {
            **self.environment(),
            # UTF-8 whatever the machine's locale is.
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            # So that `fanlight token` is found, as the terminal promises.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        }

        def program(name: str, *command: str, **more: str) -> Spec:
            return Spec(
                name, always(*command), {**environment, **more}, needs=WINDOWS, essential=False
            )

        return [
            Spec(
                "background",
                always("xsetroot", "-solid", _BACKGROUND),
                environment,
                needs=SERVER,
                once=True,
                essential=False,
            ),
            Spec(
                WINDOWS,
                self._windows_command,
                environment,
                announced=lambda _: None,
                needs=SERVER,
                essential=False,
            ),
            program("terminal", *self._terminal("104x44+90+80")),
            program(
                "clock",
                *("xclock", "-update", "1", "-padding", "16", "-geometry", "340x340+1420+80"),
                *("-bg", "#f4efe6", "-xrm", "*hourColor: #33474f", "-xrm", "*minuteColor: #33474f"),
                *("-xrm", "*secondColor: #c8553d", "-xrm", "*majorColor: #33474f"),
                *("-xrm", "*minorColor: #8a9aa0", "-title", "Clock"),
                # It would complain about fonts that UTF-8 wants and it does not use.
                LC_ALL="C",
            ),
            program(
                "polyhedron",
                *("ico", "-geometry", "340x300+1420+480", "-size", "150x150", "-delta", "+3+2"),
                *("-faces", "-obj", "icosahedron", "-sleep", "0.04"),
                *("-bg", "#16282f", "-colors", "#f2c14e"),
            ),
            program(
                "eyes",
                *("xeyes", "-title", "Eyes", "-geometry", "340x176+1420+844", "-fg", "#16282f"),
                *("-center", "#fffdf7", "-outline", "#33474f"),
            ),
        ]

    def _announced(self, number: str) -> None:
        self.display = f":{number}"

    def _server_command(self, announce_on: int) -> Sequence[str]:
        # The first time it takes a free number; then it keeps it, for its capture knows it.
        number = [self.display] if self.display else []
        return [
            *("Xvfb", *number, "-displayfd", str(announce_on)),
            *("-screen", "0", f"{SIZE}x24", "-dpi", "96"),
            *("-auth", str(self._cookies), "-nolisten", "tcp", "-noreset"),
        ]

    def _windows_command(self, announce_on: int) -> Sequence[str]:
        # A window that is mapped while openbox starts may never be taken, also when it calls itself
        # the window manager already: it announces itself once it has looked at what is there.
        # What it runs then inherits no descriptor, so that one is opened by its path.
        ready = f"sh -c 'echo ready >/proc/$$/fd/{announce_on}'"
        config = shlex.quote(str(self._directory / "openbox.xml"))
        openbox = f'exec openbox --sm-disable --config-file {config} --startup "{ready}"'
        return ["sh", "-c", openbox]

    def _terminal(self, geometry: str) -> list[str]:
        shell = os.environ.get("SHELL", "/bin/sh")
        welcome = (
            f"cat {shlex.quote(str(self._directory / 'welcome'))}; cd; exec {shlex.quote(shell)}"
        )
        return [
            *("xterm", "-geometry", geometry, "-title", "Terminal", "-u8", "-sl", "5000"),
            *("-fa", "DejaVu Sans Mono", "-fs", "12", "-b", "10", "+sb"),
            *("-bg", "#12212a", "-fg", "#dfe7e4", "-cr", "#f2c14e"),
            *("-e", "sh", "-c", welcome),
        ]


def write_cookie(path: Path) -> None:
    """An Xauthority file with one random cookie that is good for every display number.

    Written by hand (four length-prefixed, big-endian fields): the number is not known before the
    server runs, and the server wants the cookie to start.
    """
    entry = struct.pack(">H", _FAMILY_WILD)
    for field in (b"", b"", _COOKIE_NAME, secrets.token_bytes(16)):
        entry += struct.pack(">H", len(field)) + field
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(entry)
