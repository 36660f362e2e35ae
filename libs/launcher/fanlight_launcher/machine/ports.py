"""Can a server listen on a port?"""

import errno
import socket

from fanlight_common.errors import ConfigurationError


def check_port(option: str, host: str, port: int) -> None:
    """Raise ConfigurationError if nobody could listen there."""
    reason = port_problem(host, port)
    if reason:
        raise ConfigurationError(
            f"{option} {port}: cannot listen on {host}:{port} ({reason}); "
            f"choose another with {option}"
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
