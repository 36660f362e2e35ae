"""What a person sees: on a terminal, and in a log."""

import io

import pytest
from rich.console import Console

from fanlight_launcher import output
from fanlight_launcher.core.process_spec import Phase, ProcessState
from fanlight_launcher.output import PlainOutput, TerminalOutput, choose_output, line_of

RUNNING = ProcessState("gateway", Phase.RUNNING, 123, "http://127.0.0.1:8080")


def test_a_state_is_one_line() -> None:
    line = "gateway      running    pid 123     http://127.0.0.1:8080"
    assert line_of(RUNNING) == line
    assert line_of(ProcessState("encoder-0", Phase.STOPPED)) == "encoder-0    stopped"


def test_in_a_log_a_state_is_a_line_unless_it_passes_quickly(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with PlainOutput() as plain:
        for phase in (Phase.WAITING, Phase.STARTING):
            plain.show(ProcessState("gateway", phase))
        plain.show(RUNNING)
        plain.log("encoder-0", "[bold]event=start")
        plain.notice("something")
        plain.ready("http://h/#token=T", 1.234)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        line_of(RUNNING),
        "something",
        "ready after 1.2 s, open:",
        "",
        "  http://h/#token=T",
        "",
    ]
    assert printed.err == "encoder-0    | [bold]event=start\n"


def test_on_a_terminal_states_stay_and_the_link_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(output, "Console", lambda: Console(file=out, force_terminal=True, width=60))
    link = "http://127.0.0.1:8080/?desk=main#token=" + "T" * 200
    with TerminalOutput() as terminal:
        terminal.show(ProcessState("gateway", Phase.STARTING))
        terminal.show(RUNNING)
        # What a child prints is text, and neither markup nor control codes.
        terminal.log("encoder-0", "[bold]x\x07\x08y")
        terminal.notice("something")
        terminal.ready(link, 1.0)
        terminal.show(ProcessState("gateway", Phase.STOPPED))
    text = out.getvalue()
    assert link in text
    assert "pid 123" in text
    assert "[bold]xy" in text
    assert "something" in text
    assert "stopped" in text


def test_only_a_terminal_gets_the_terminal_s_output(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_output(), PlainOutput)
    monkeypatch.setattr("sys.stdout", FakeTerminal())
    assert isinstance(choose_output(), PlainOutput)
    monkeypatch.setattr("sys.stderr", FakeTerminal())
    assert isinstance(choose_output(), TerminalOutput)


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True
