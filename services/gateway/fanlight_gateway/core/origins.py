"""Decides which pages may open a WebSocket to this gateway, or sign people in. Pure.

A browser sends the gateway's cookies with a WebSocket of any page. Only the Origin tells our page
from another site's page (which would be cross-site WebSocket hijacking). A page cannot set Origin,
Host or X-Forwarded-Host.
"""

from collections.abc import Container
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normal_origin(origin: str) -> str | None:
    """Normalise an origin: `https://Host:443` becomes `https://host`. Returns None if it is not the
    origin of a web page."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    extra = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or extra:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{shown}"


def same_site(
    origin: str, host: str | None, forwarded_host: str | None, allowed: Container[str]
) -> bool:
    """May a page of `origin` talk to a gateway that browsers reach as `host`?

    Behind a proxy browsers reach it as `forwarded_host`. Pages of the `allowed` origins always may.
    The scheme is not compared, because a proxy that ends TLS is reached over https and talks http
    to the gateway.
    """
    normal = normal_origin(origin)
    if normal is None:
        return False
    if normal in allowed:
        return True
    scheme = normal.partition("://")[0]
    hosts = [host or "", *(forwarded_host or "").split(",")[:1]]
    return any(h.strip() and normal == normal_origin(f"{scheme}://{h.strip()}") for h in hosts)
