"""The two ports of `fanlight up`: which they are, and whether a server can listen on them.

Two launchers on one machine need nothing but different `--port`s, because all else is private to
each: the runtime directory, the display's number, the health ports. May be called on any thread;
blocks for a look-up of the host's name. Owns nothing: a port is bound for a moment and let go.
"""

import errno
import socket

from fanlight_common.core.errors import ConfigurationError

SCREENSHOT_HOST = "127.0.0.1"
"""Not for the public, whatever --host is, because the screenshot service asks for no token."""
_HIGHEST_PORT = 65535
_TRIED_PORTS = 2000
"""From a privileged port it is 1024 to the first that anybody may take."""


def screenshot_port(port: int, chosen: int | None) -> int:
    """The screenshot service's port: the one a person chose, or the one above the page's.

    Raises ConfigurationError where that is not a port, or is the page's.
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
    """Why nobody can listen there; "" where one can. Raises ConfigurationError for a wrong host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigurationError(f"--host {host}: {error.strerror}") from None
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As the servers do: a connection that is just being closed is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return "in use"
            return error.strerror or str(error)
    return ""


def _remedy(host: str, port: int, chosen_screenshot_port: int | None) -> str:
    """What a person can do: the next `--port` that works, where there is one near."""
    for other in range(port + 1, min(port + _TRIED_PORTS, _HIGHEST_PORT)):
        if other == chosen_screenshot_port or port_problem(host, other):
            continue
        if chosen_screenshot_port is not None or not port_problem(SCREENSHOT_HOST, other + 1):
            return f"--port {other} is free"
    return "choose another --port or --host"
