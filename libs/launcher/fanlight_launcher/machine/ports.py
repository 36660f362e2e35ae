"""The two ports of `fanlight up`: which they are, and whether a server can listen on them.

Functions without state, which block on the caller's thread. Two launchers on one machine need
nothing but different `--port`s, because all else is private to each: the runtime directory, the
display's number, the health ports.
"""

import errno
import socket

from fanlight_common.core.errors import ConfigurationError
from fanlight_launcher.core.plan import SCREENSHOT_HOST

_HIGHEST_PORT = 65535
_TRIED_PORTS = 2000
"""So many, because the 1024 lowest ports are not for everybody."""


def screenshot_port(port: int, chosen: int | None) -> int:
    """Return the screenshot service's port: that which a person chose, or that above the page's.

    Raises ConfigurationError if that is not a port, or is the page's.
    """
    if chosen == port:
        raise ConfigurationError("--port and --screenshot-port are the same")
    if chosen is not None:
        return chosen
    if port >= _HIGHEST_PORT:
        raise ConfigurationError(
            f"--port {port}: the screenshot service takes the port above it, and there is none; "
            "choose a lower one"
        )
    return port + 1


def check_ports(host: str, port: int, chosen_screenshot_port: int | None) -> None:
    """Raise ConfigurationError, with a remedy, if a server could not listen on its port."""
    for_screenshots = screenshot_port(port, chosen_screenshot_port)
    reason = port_problem(host, port)
    if reason:
        raise ConfigurationError(
            f"--port {port}: cannot listen on {host}:{port} ({reason}); "
            + _remedy(host, port, chosen_screenshot_port)
        )
    reason = port_problem(SCREENSHOT_HOST, for_screenshots)
    if not reason:
        return
    address = f"{SCREENSHOT_HOST}:{for_screenshots}"
    if chosen_screenshot_port is not None:
        raise ConfigurationError(
            f"--screenshot-port {for_screenshots}: cannot listen on {address} ({reason}); "
            "choose another, or leave it out"
        )
    raise ConfigurationError(
        f"--port {port}: the screenshot service takes the port above it, and cannot listen on "
        f"{address} ({reason}); {_remedy(host, port, None)}"
    )


def port_problem(host: str, port: int) -> str:
    """Return why nobody can listen there, "" if one can. A wrong host is a ConfigurationError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigurationError(f"--host {host}: {error.strerror}") from None
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # The servers set this too: a connection that is just being closed is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "in use"
            return error.strerror or str(error)
    return ""


def _remedy(host: str, port: int, chosen_screenshot_port: int | None) -> str:
    """Return what a person can do: use the next `--port` that works, if one is near."""
    for other in range(port + 1, min(port + _TRIED_PORTS, _HIGHEST_PORT)):
        if other == chosen_screenshot_port or port_problem(host, other):
            continue
        if chosen_screenshot_port is not None or not port_problem(SCREENSHOT_HOST, other + 1):
            return f"--port {other} is free"
    return "choose another --port or --host"
