"""What is written and read on the command line: desks, durations, addresses, links."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import ConfigurationError
from fanlight_launcher.core.command_line import (
    DisplayDesk,
    base_url,
    connect_host,
    page_link,
    parse_desks,
    parse_duration,
)


def test_desks() -> None:
    assert parse_desks([]) == []
    assert parse_desks(["main=:0", "far=host:1.0"]) == [
        DisplayDesk("main", ":0"),
        DisplayDesk("far", "host:1.0"),
    ]


@pytest.mark.parametrize(
    "display",
    [
        *(":0", ":12.1", "unix:0", "unix/:0", "host:0", "10.0.0.1:1.0", "::1:0", "[::1]:0"),
        *("tcp/host:0", "/tmp/.X11-unix/X0", "unix:/run/x.socket", "/private/tmp/org.x:0"),
    ],
)
def test_displays_in_every_form_of_x(display: str) -> None:
    assert parse_desks([f"a={display}"]) == [DisplayDesk("a", display)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["main"], "wants NAME=DISPLAY"),
        (["main="], "wants NAME=DISPLAY"),
        (["main=77"], "77 is no X display such as :0"),
        (["main=:"], "no X display"),
        (["main=host"], "no X display"),
        (["main=:0.x"], "no X display"),
        (["main=: 0"], "no X display"),
        (["=:0"], "not a name"),
        (["Main Desk=:0"], "not a name"),
        (["a=:0", "a=:1"], "more than one desk is called a"),
    ],
)
def test_wrong_desks_are_named(texts: list[str], expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        parse_desks(texts)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h", 3600), ("7d", 604800), ("1h30m", 5400)],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "1", "h", "1 h", "-1h", "1.5h", "0s", "9999d", "1h\n", "\u0661h"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigurationError, match="no duration"):
        parse_duration(text)


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        assert parse_duration(text) > 0


def test_addresses() -> None:
    assert connect_host("0.0.0.0") == "127.0.0.1"
    assert base_url("127.0.0.1", 8080) == "http://127.0.0.1:8080"
    assert base_url("0.0.0.0", 8080) == "http://127.0.0.1:8080"
    assert base_url("::", 8080) == "http://[::1]:8080"
    assert base_url("example.org", 1) == "http://example.org:1"


def test_links_keep_the_token_in_the_fragment() -> None:
    assert page_link("http://h:1", "main", "T") == "http://h:1/?desk=main#token=T"
    assert page_link("https://h/fl/", "main", "T") == "https://h/fl/?desk=main#token=T"
    assert page_link("http://h:1", "*", "T") == "http://h:1/#token=T"
    assert page_link("http://0.0.0.0:1", "*", "T") == "http://127.0.0.1:1/#token=T"
    assert page_link("http://0.0.0.0.example", "*", "T") == "http://0.0.0.0.example/#token=T"
