"""Entity tags of screenshots, and If-None-Match (RFC 9110, 8.8.3 and 13.1.2).

Pure. A tag names all that the bytes depend on: the picture, the pointer and the parameters. So it
is a strong tag, and it is also the key under which the encoded bytes are kept in the cache.
"""

import re

from fanlight_screenshot.core.parameters import Parameters

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def make(instance: int, sequence: int, pointer: str, parameters: Parameters) -> str:
    """Return the tag of an encoding. `pointer` names image and position of a drawn pointer."""
    encoding = f"{parameters.format}{parameters.quality}-{round(parameters.scale * 1000)}"
    return f'"{instance:x}-{sequence:x}-{encoding}{"-" if pointer else ""}{pointer}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Return whether the client has this already, by RFC 9110's weak comparison."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
