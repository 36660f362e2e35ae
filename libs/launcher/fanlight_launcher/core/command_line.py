"""What a person gives and gets on the command line: desks, durations, addresses, links.

Pure. Raises ConfigurationError with words for people.
"""

import re
from dataclasses import dataclass

from fanlight_common.core.errors import ConfigurationError, ProtocolError
from fanlight_common.core.names import check_name

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_S = 10 * 365 * 86400
_DISPLAY = re.compile(
    r"(?:unix:)?/\S+"  # a socket's path
    r"|(?:[a-z0-9]+/)?[^\s/]*:[0-9]{1,9}(?:\.[0-9]{1,9})?"  # :0, host:0.1, tcp/host:0, ::1:0
)
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk of a display that is there already."""

    name: str
    display: str


def parse_desks(texts: list[str]) -> list[Desk]:
    """`main=:0` and so on; each name once."""
    desks = [_parse_desk(text) for text in texts]
    names = [desk.name for desk in desks]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigurationError(f"--desk: more than one desk is called {min(twice)}")
    return desks


def _parse_desk(text: str) -> Desk:
    name, equals, display = text.partition("=")
    if not equals or not display:
        raise ConfigurationError(f"--desk {text}: wants NAME=DISPLAY, for example main=:0")
    if not _DISPLAY.fullmatch(display):
        raise ConfigurationError(f"--desk {text}: {display} is no X display such as :0 or host:0")
    try:
        return Desk(check_name(name), display)
    except ProtocolError as error:
        raise ConfigurationError(f"--desk {text}: {error}") from None


def parse_duration(text: str) -> int:
    """Seconds in `90s`, `1h30m`, `7d`."""
    if not re.fullmatch(r"(?:[0-9]{1,9}[smhd])+", text):
        raise ConfigurationError(f"{text!r} is no duration; say for example 30m, 12h or 1h30m")
    parts = re.findall(r"([0-9]+)([smhd])", text)
    seconds = sum(int(number) * _UNITS_S[unit] for number, unit in parts)
    if not 0 < seconds <= _LONGEST_S:
        raise ConfigurationError(f"{text!r} is no duration between a second and ten years")
    return seconds


def connect_host(host: str) -> str:
    """Where a server that listens on `host` is reached from this machine."""
    return _ANY_ADDRESS.get(host, host)


def base_url(host: str, port: int) -> str:
    """The URL of a server that listens on `host`, for this machine."""
    host = connect_host(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def page_link(url: str, desk: str, token: str) -> str:
    """The page of a desk ("*": of all). In the fragment, the token reaches no server and no log."""
    query = "" if desk == "*" else f"?desk={desk}"
    # Where a server listens is not yet where a browser goes, nor what it takes for secure.
    url = re.sub(r"^http://0\.0\.0\.0(?=[:/]|$)", "http://127.0.0.1", url)
    return f"{url.rstrip('/')}/{query}#token={token}"
