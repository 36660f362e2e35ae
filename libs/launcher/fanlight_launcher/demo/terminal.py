"""The demonstration desk's terminal: its colours, its welcome, its shell.

Owns these texts; it keeps no state and runs nothing. The shell reads no file of the person who
starts the desk, because such a file may print, wait or fail: a `.bashrc` that waited for a lock
left the terminal without a prompt.
"""

import shlex
import shutil
from pathlib import Path

_WELCOME = """\
\x1b[38;5;222m
     _..--|--.._
   .' \\   |   / '.     \x1b[1;38;5;231mfanlight\x1b[0;38;5;222m
  /    \\  |  /    \\    \x1b[38;5;250mthe window above the door\x1b[38;5;222m
 |______\\_|_/______|
\x1b[0m
  This is a real desktop, on the machine that runs \x1b[1mfanlight up\x1b[0m.
  What you type and point at in the browser arrives here.

  \x1b[38;5;116mTry\x1b[0m   ls /usr/share                  something to read
        top                            something that changes
        right-click the background     a menu

  \x1b[38;5;116mYours\x1b[0m fanlight up --desk main=:0     your own display instead
        fanlight token --role view     a link that can only watch

"""

_BASHRC = r"""
unset PROMPT_COMMAND HISTFILE
PS1='\[\e[38;5;116m\]\u@\h\[\e[0m\] \[\e[38;5;222m\]\w\[\e[0m\] \$ '
shopt -s checkwinsize
alias ls='ls --color=auto' grep='grep --color=auto'
"""


def write_files(directory: Path) -> None:
    """Write the welcome and the shell's start file into `directory`."""
    (directory / "welcome").write_text(_WELCOME)
    (directory / "bashrc").write_text(_BASHRC)


def command(directory: Path, *options: str) -> list[str]:
    """Return the xterm to start after `write_files(directory)`. `options` are xterm's."""
    welcome = shlex.quote(str(directory / "welcome"))
    return [
        *("xterm", *options, "-title", "Terminal", "-u8", "-sl", "5000"),
        *("-fa", "DejaVu Sans Mono", "-fs", "12", "-b", "10", "+sb"),
        *("-bg", "#12212a", "-fg", "#dfe7e4", "-cr", "#f2c14e"),
        # xterm's own red and blues are hard to read on this background.
        *("-xrm", "*VT100.color1: #e06c5a", "-xrm", "*VT100.color4: #6aa3d8"),
        *("-xrm", "*VT100.color12: #8fc1ee"),
        *("-e", "sh", "-c", f"cat {welcome}; cd; exec {_shell(directory)}"),
    ]


def _shell(directory: Path) -> str:
    if shutil.which("bash") is None:
        # A plain shell would read the file that ENV names.
        return "env --unset=ENV sh"
    return shlex.join(["bash", "--noprofile", "--rcfile", str(directory / "bashrc")])
