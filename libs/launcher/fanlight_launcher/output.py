"""What a person sees of `fanlight up`: a line of state for each process, their logs, the link.

On a terminal the states stand below the logs and are kept up to date. Elsewhere each change is a
plain line on standard output, and the logs go to standard error. Lives on the launcher's event loop
and owns the terminal. In plain output it drops phases that pass quickly.
"""

import sys
import zlib
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.control import strip_control_codes
from rich.live import Live
from rich.panel import Panel
from rich.style import Style
from rich.table import Table
from rich.text import Text

from fanlight_launcher.core.process_spec import Phase, ProcessState

_COLOURS = ("cyan", "magenta", "yellow", "blue", "green", "bright_cyan", "bright_magenta")
_STYLES = {
    Phase.WAITING: "dim",
    Phase.STARTING: "yellow",
    Phase.RUNNING: "green",
    Phase.RESTARTING: "bold yellow",
    Phase.DONE: "dim",
    Phase.STOPPED: "dim",
    Phase.FAILED: "bold red",
}
_TERMINAL_ONLY = (Phase.WAITING, Phase.STARTING)
"""These phases pass quickly, so that plain output leaves them out."""
_NAME_WIDTH = 12


class PlainOutput:
    """Lines, for a file, a pipe or a service manager."""

    def __enter__(self) -> "PlainOutput":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, state: ProcessState) -> None:
        """Show the new state of a process."""
        if state.phase not in _TERMINAL_ONLY:
            print(line_of(state), flush=True)

    def log(self, name: str, line: str) -> None:
        """Show a line that a process printed."""
        print(f"{name:<{_NAME_WIDTH}} | {line}", file=sys.stderr, flush=True)

    def notice(self, text: str) -> None:
        """Show what the launcher itself has to say."""
        print(text, flush=True)

    def ready(self, link: str, took_s: float) -> None:
        """Show the link, because all services are ready."""
        print(f"ready after {took_s:.1f} s, open:\n\n  {link}\n", flush=True)


class TerminalOutput:
    """A terminal, on which the logs scroll by and the states stay."""

    def __init__(self) -> None:
        self._console = Console()
        self._states: dict[str, ProcessState] = {}
        self._footer: RenderableType = Text("starting ...", style="dim")
        self._live = Live(console=self._console, auto_refresh=False)

    def __enter__(self) -> "TerminalOutput":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, state: ProcessState) -> None:
        """Show the new state of a process."""
        self._states[state.name] = state
        if state.phase is Phase.STOPPED:
            self._footer = Text("")
        self._draw()

    def log(self, name: str, line: str) -> None:
        """Show a line that a process printed."""
        # Any colour will do if a process keeps it from one start to the next.
        colour = _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
        text = Text.assemble(
            (f"{name:<{_NAME_WIDTH}} ", colour), (strip_control_codes(line), "dim")
        )
        self._console.print(text, soft_wrap=True)

    def notice(self, text: str) -> None:
        """Show what the launcher itself has to say."""
        self._console.print(Text(text, style="bold"), soft_wrap=True)

    def ready(self, link: str, took_s: float) -> None:
        """Show the link, because all services are ready."""
        # The whole link stands on a line of its own, so that it can be copied. That line scrolls
        # away in time. The panel that stays is too narrow for the link, but has it as a hyperlink,
        # which a person can click in many terminals.
        self._console.print(Text(f"\n{link}\n", style="bold cyan"), soft_wrap=True)
        page = link.partition("#")[0]
        self._footer = Panel.fit(
            Text.assemble(
                f"ready after {took_s:.1f} s: ",
                (page, Style(bold=True, color="cyan", link=link)),
                " (the link above lets you in). Ctrl-C ends it.",
            ),
            border_style="green",
        )
        self._draw()

    def _draw(self) -> None:
        table = Table.grid(padding=(0, 2))
        for state in self._states.values():
            table.add_row(
                state.name,
                Text(state.phase, style=_STYLES[state.phase]),
                f"pid {state.pid}" if state.pid else "",
                Text(state.detail, style="dim"),
            )
        self._live.update(Group("", table, self._footer), refresh=True)


Output = PlainOutput | TerminalOutput


def choose_output() -> Output:
    """Return the output that fits what standard output and standard error are."""
    on_terminal = sys.stdout.isatty() and sys.stderr.isatty()
    return TerminalOutput() if on_terminal else PlainOutput()


def line_of(state: ProcessState) -> str:
    """Return a state as a line: `gateway      running     pid 123  http://127.0.0.1:8080`"""
    pid = f"pid {state.pid}" if state.pid else ""
    return f"{state.name:<{_NAME_WIDTH}} {state.phase:<10} {pid:<11} {state.detail}".rstrip()
