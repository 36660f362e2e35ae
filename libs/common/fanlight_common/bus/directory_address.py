"""Where the directory is on a network: looks up its name, and finds the local address towards it.

Owns and drops nothing. Every function may block for as long as the name server takes, so it runs
before the loop starts, or in a thread.
"""

import logging
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from fanlight_common.bus import curve_keys
from fanlight_common.core.errors import ConfigurationError
from fanlight_common.process.settings import BusSettings

log = logging.getLogger(__name__)

WAIT_S = 30.0
"""How long a process that starts waits for its key file and for the directory's name."""
_RETRY_S = 0.1


def wait_for_network(settings: BusSettings, kind: str) -> None:
    """Block until the key file is there and the directory's name can be looked up.

    The directory makes the key file. Raises ConfigurationError after WAIT_S, or for a file that is
    no key file.
    """
    if not settings.bus_directory:
        return
    if settings.bus_keys is None:
        raise ConfigurationError("FANLIGHT_BUS_KEYS: wanted with FANLIGHT_BUS_DIRECTORY")
    if kind == "directory":
        curve_keys.create(settings.bus_keys)
    deadline = time.monotonic() + WAIT_S
    is_logged = False
    while True:
        try:
            try:
                settings.bus_keys.stat()
            except OSError as error:
                reason = error.strerror or str(error)
                raise ConfigurationError(
                    f"FANLIGHT_BUS_KEYS {settings.bus_keys}: {reason}"
                ) from None
            if kind != "directory":
                local_address(settings)
            break
        except ConfigurationError as error:
            if time.monotonic() > deadline:
                raise
            if not is_logged:
                log.info("event=wait reason=%r", str(error))
                is_logged = True
            time.sleep(_RETRY_S)
    curve_keys.load(settings.bus_keys)


def port(settings: BusSettings) -> int:
    """Return the port of the directory's outlet. Its inlet has the next one."""
    return urlsplit(settings.bus_directory).port or 0


def bracketed(host: str) -> str:
    """Return a host or address in the form that an endpoint has."""
    return f"[{host}]" if ":" in host else host


def local_address(settings: BusSettings) -> str:
    """Return the local address of the route to the directory. No packet is sent.

    Raises ConfigurationError if there is no such name or route.
    """
    family, kind, protocol, _, address = _look_up(settings)[0]
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise _no_directory(settings, error) from None


def addresses(settings: BusSettings) -> list[str]:
    """Return the directory's addresses as numbers. Raises ConfigurationError if it has none."""
    return [str(address[0]) for *_, address in _look_up(settings)]


def _look_up(settings: BusSettings) -> list[Any]:
    try:
        return socket.getaddrinfo(_host(settings), port(settings), type=socket.SOCK_DGRAM)
    except OSError as error:
        raise _no_directory(settings, error) from None


def _host(settings: BusSettings) -> str:
    return urlsplit(settings.bus_directory).hostname or ""


def _no_directory(settings: BusSettings, error: OSError) -> ConfigurationError:
    reason = error.strerror or str(error)
    return ConfigurationError(f"FANLIGHT_BUS_DIRECTORY {_host(settings)}: {reason}")
