"""What a person writes and reads on the command line: desks, durations, addresses, links.

Pure: functions without state. A wrong text raises ConfigurationError, whose message is for people.
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
class DisplayDesk:
    """An X display that exists already, and the name under which it is streamed."""

    name: str
    display: str


def parse_desks(texts: list[str]) -> list[DisplayDesk]:
    """Return the desks in texts such as `main=:0`. Each name may occur once."""
    desks = [_parse_desk(text) for text in texts]
    names = [desk.name for desk in desks]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigurationError(f"--desk: more than one desk is called {min(twice)}")
    return desks


def _parse_desk(text: str) -> DisplayDesk:
    name, equals, display = text.partition("=")
    if not equals or not display:
        raise ConfigurationError(f"--desk {text}: wants NAME=DISPLAY, for example main=:0")
    if not _DISPLAY.fullmatch(display):
        raise ConfigurationError(f"--desk {text}: {display} is no X display such as :0 or host:0")
    try:
        return DisplayDesk(check_name(name), display)
    except ProtocolError as error:
        raise ConfigurationError(f"--desk {text}: {error}") from None


def parse_duration(text: str) -> int:
    """Return the seconds in a text such as `90s`, `1h30m` or `7d`."""
    if not re.fullmatch(r"(?:[0-9]{1,9}[smhd])+", text):
        raise ConfigurationError(f"{text!r} is no duration; say for example 30m, 12h or 1h30m")
    parts = re.findall(r"([0-9]+)([smhd])", text)
    seconds = sum(int(number) * _UNITS_S[unit] for number, unit in parts)
    if not 0 < seconds <= _LONGEST_S:
        raise ConfigurationError(f"{text!r} is no duration between a second and ten years")
    return seconds


def connect_host(host: str) -> str:
    """Return the address under which this machine reaches a server that listens on `host`."""
    return _ANY_ADDRESS.get(host, host)


def base_url(host: str, port: int) -> str:
    """Return the URL under which this machine reaches a server that listens on `host`."""
    host = connect_host(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def page_link(url: str, desk: str, token: str) -> str:
    """Return the link to the page of a desk ("*": of all desks).

    The token is in the fragment, which browsers send to no server, so that no log shows it.
    """
    query = "" if desk == "*" else f"?desk={desk}"
    # A server may listen on 0.0.0.0, but a browser does not take that for a secure address.
    url = re.sub(r"^http://0\.0\.0\.0(?=[:/]|$)", "http://127.0.0.1", url)
    return f"{url.rstrip('/')}/{query}#token={token}"
