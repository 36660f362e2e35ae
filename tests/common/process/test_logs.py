"""Log lines for people and for collectors, and what no line may contain."""

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator

import pytest

from fanlight_common.process import logs

Log = Callable[..., list[str]]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., io.StringIO]]:
    """Configure logging as a new process would. Returns the text that it writes to."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    # import-linter, which another test runs, disables every logger that exists.
    for name in ("fanlight_test.part", "websockets.server", "httpx"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
    monkeypatch.setattr(logs, "_always", {})
    monkeypatch.setattr(logs, "_process", {})

    def configure(*arguments: str, **process: str) -> io.StringIO:
        output = io.StringIO()
        root.handlers.clear()
        monkeypatch.setattr(sys, "stderr", output)
        logs.configure(*arguments)  # type: ignore[arg-type]  # a format by its name
        logs.identify(**process)
        return output

    yield configure
    root.handlers[:] = before
    root.setLevel(level)


log = logging.getLogger("fanlight_test.part")


def test_text(configured: Callable[..., io.StringIO]) -> None:
    output = configured("INFO")
    log.info("event=lease stream=%s epoch=%d why=%r", "main/high", 7, "a 'b'")
    log.debug("event=silent")
    stamp, level, rest = output.getvalue().rstrip("\n").split(None, 2)
    assert TIME.fullmatch(stamp)
    assert level == "INFO"
    assert (
        rest == """fanlight_test.part: event=lease stream=main/high epoch=7 why="a 'b'" desk=main"""
    )


def test_json(configured: Callable[..., io.StringIO]) -> None:
    output = configured("INFO", "json", service="encoder", process="encoder-1")
    log.warning("event=lease stream=%s epoch=%d why=%r", "main/high", 7, "a 'b'\n \"c\"")
    line = json.loads(output.getvalue())
    assert TIME.fullmatch(line.pop("time"))
    assert line == {
        "level": "warning",
        "logger": "fanlight_test.part",
        "event": "lease",
        "stream": "main/high",
        "desk": "main",
        "epoch": "7",
        "why": "a 'b'\n \"c\"",
        "service": "encoder",
        "process": "encoder-1",
    }


def test_what_a_line_says_itself_counts(configured: Callable[..., io.StringIO]) -> None:
    output = configured("INFO", "json", service="directory", process="directory")
    logs.about(desk="mine")
    log.info("event=joined kind=capture id=c1 level=x")
    log.info("event=desk desk=other")
    log.info("no event at all, of time=1")
    joined, desk, free = map(json.loads, output.getvalue().splitlines())
    assert (joined["kind"], joined["service"], joined["id"]) == ("capture", "directory", "c1")
    assert (joined["level"], joined["level_"], joined["desk"]) == ("info", "x", "mine")
    assert desk["desk"] == "other"
    assert free["message"] == "no event at all, of time=1"


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_traceback_is_kept(configured: Callable[..., io.StringIO], format: str) -> None:
    output = configured("INFO", format)
    logs.about(desk="mine")
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        log.exception("event=crash")
    text = output.getvalue()
    assert "RuntimeError: boom" in text
    if format == "json":
        assert json.loads(text)["traceback"].startswith("Traceback")
    else:
        assert text.splitlines()[0].endswith("event=crash desk=mine")


@pytest.mark.parametrize("format", ["text", "json"])
def test_libraries_have_a_say_from_warnings_on(
    configured: Callable[..., io.StringIO], format: str
) -> None:
    """Libraries log headers and messages at DEBUG, with tokens and what people type."""
    output = configured("DEBUG", format)
    logging.getLogger("websockets.server").debug("< TEXT 'secret'")
    logging.getLogger("httpx").info("GET secret")
    assert output.getvalue() == ""
    logging.getLogger("websockets.server").warning("odd")
    assert "odd" in output.getvalue()
