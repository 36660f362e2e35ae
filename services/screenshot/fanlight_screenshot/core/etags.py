"""Entity tags of screenshots, and If-None-Match (RFC 9110, 8.8.3 and 13.1.2). Pure.

The tag says all that the bytes depend on: which picture, which pointer, which parameters. So it is
strong, and it is also the key of the encoded bytes.
"""

import re

from fanlight_screenshot.core.parameters import Parameters

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def make(instance: int, sequence: int, pointer: str, parameters: Parameters) -> str:
    """The tag of one encoding. `pointer` names its shape and position, "" where it is not drawn."""
    shape = f"{parameters.format}{parameters.quality}-{round(parameters.scale * 1000)}"
    return f'"{instance:x}-{sequence:x}-{shape}{"-" if pointer else ""}{pointer}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Has the client this already? Weak comparison, as the header wants it."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
