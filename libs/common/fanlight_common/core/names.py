"""Names of desks, renditions and streams, and what is a legal one.

Pure: standard library only. A *stream* is one desk in one rendition, written "desk/rendition".
"""

import re
from enum import StrEnum
from functools import lru_cache

from fanlight_common.core.errors import ProtocolError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Rendition(StrEnum):
    """How a desk is encoded. Each is encoded only while somebody watches it."""

    HIGH = "high"
    """Full size, full rate: what a viewer gets by default."""
    HALF = "half"
    """Half the width and height, for links that cannot carry HIGH."""
    LOW = "low"
    """A third of the width and height, half the pictures a second, for the thinnest links."""
    KEYFRAMES = "keyframes"
    """One self-contained picture a second: every unit is an IDR, so nothing can stall it."""


def check_name(name: str) -> str:
    """Return `name` if it may name a desk or a process; raise ProtocolError otherwise."""
    if not _NAME.fullmatch(name):
        raise ProtocolError(
            f"not a name: {name[:80]!r} (lower-case letters, digits, '-' and '_', at most 63)"
        )
    return name


def stream_name(desk: str, rendition: Rendition) -> str:
    """`main`, HIGH -> `main/high`."""
    return f"{desk}/{rendition}"


@lru_cache(maxsize=100_000)
def split_stream(stream: str) -> tuple[str, Rendition]:
    """`main/high` -> (`main`, HIGH). Raises ProtocolError for anything else."""
    desk, slash, rendition = stream.partition("/")
    if not slash or rendition not in tuple(Rendition):
        raise ProtocolError(f"not a stream: {stream[:80]!r} (desk/rendition)")
    return check_name(desk), Rendition(rendition)
