"""What a person sees of `fanlight up`: a line of state for each process, their logs, the link.

On a terminal the states stand below the logs and are kept up to date. Elsewhere each change is a
plain line on standard output; the logs go to standard error.
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

from fanlight_launcher.processes.supervisor import Phase, State

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
_QUIET = (Phase.WAITING, Phase.STARTING)
"""Worth a place on a screen, not a line in a log."""
_NAME_WIDTH = 12


class Plain:
    """Lines, for a file, a pipe or a service manager."""

    def __enter__(self) -> "Plain":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, state: State) -> None:
        """A process changed."""
        if state.phase not in _QUIET:
            print(line_of(state), flush=True)

    def say(self, name: str, line: str) -> None:
        """A process printed a line."""
        print(f"{name:<{_NAME_WIDTH}} | {line}", file=sys.stderr, flush=True)

    def tell(self, text: str) -> None:
        """The launcher itself has something to say."""
        print(text, flush=True)

    def link(self, link: str, took_s: float) -> None:
        """All is ready."""
        print(f"ready after {took_s:.1f} s, open:\n\n  {link}\n", flush=True)


class Terminal:
    """A terminal: logs scroll by, states stay."""

    def __init__(self) -> None:
        self._console = Console()
        self._states: dict[str, State] = {}
        self._ready: RenderableType = Text("starting ...", style="dim")
        self._live = Live(console=self._console, auto_refresh=False)

    def __enter__(self) -> "Terminal":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, state: State) -> None:
        """A process changed."""
        self._states[state.name] = state
        if state.phase is Phase.STOPPED:
            self._ready = Text("")
        self._draw()

    def say(self, name: str, line: str) -> None:
        """A process printed a line."""
        # Which colour is of no importance, that it stays the same is.
        colour = _COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]
        text = Text.assemble(
            (f"{name:<{_NAME_WIDTH}} ", colour), (strip_control_codes(line), "dim")
        )
        self._console.print(text, soft_wrap=True)

    def tell(self, text: str) -> None:
        """The launcher itself has something to say."""
        self._console.print(Text(text, style="bold"), soft_wrap=True)

    def link(self, link: str, took_s: float) -> None:
        """All is ready."""
        # The link whole and on its own line, for copying. It scrolls away in time; what stays is
        # too narrow for it, but can be clicked where the terminal knows hyperlinks.
        self._console.print(Text(f"\n{link}\n", style="bold cyan"), soft_wrap=True)
        page = link.partition("#")[0]
        self._ready = Panel.fit(
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
        self._live.update(Group("", table, self._ready), refresh=True)


Screen = Plain | Terminal


def screen() -> Screen:
    """The right one for where the output goes."""
    return Terminal() if sys.stdout.isatty() and sys.stderr.isatty() else Plain()


def line_of(state: State) -> str:
    """`gateway      running     pid 123  http://127.0.0.1:8080`"""
    pid = f"pid {state.pid}" if state.pid else ""
    return f"{state.name:<{_NAME_WIDTH}} {state.phase:<10} {pid:<11} {state.detail}".rstrip()
