"""Names of desks and streams, and which names are legal.

Pure: standard library only; may be called on any thread. Owns the form of a name, and drops
nothing. A *stream* is one desk, encoded in one way, for everybody who watches it in that way. Its
name is "desk/rendition[.codec[.kind]]". A part that has its default is left out, so each stream has
exactly one name:

    main/high               the desk `main`, full size, H.264, kind SCREEN
    main/high.vp9           the same with another codec
    main/high.opus.audio    its sound

The two longer names are examples of values that a later release may add. The topics `lease/` and
`unit/`, `StreamDemand`, `HeldStream` and the metrics carry the whole name.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from fanlight_common.core.errors import NotUnderstoodError, ProtocolError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class Rendition(StrEnum):
    """How large and how often a desk is encoded. Each is encoded only while somebody watches."""

    HIGH = "high"
    """Full size, full rate. A viewer gets this one by default."""
    HALF = "half"
    """Half the width and height, for links that cannot carry HIGH."""
    LOW = "low"
    """A third of the width and height, half the pictures a second, for the thinnest links."""
    KEYFRAMES = "keyframes"
    """One self-contained picture a second. Every unit is an IDR, so a lost unit stalls nothing."""


class CodecName(StrEnum):
    """What the units of a stream are encoded with."""

    H264 = "h264"


class StreamKind(StrEnum):
    """What the units of a stream are."""

    SCREEN = "screen"
    """A desk's picture: access units of the codec, and patches between them."""


class StreamName(NamedTuple):
    """A stream's name in its parts. `str` of it is the name."""

    desk: str
    rendition: Rendition
    codec: CodecName = CodecName.H264
    kind: StreamKind = StreamKind.SCREEN

    def __str__(self) -> str:
        parts: tuple[str, ...] = (self.rendition,)
        if self.kind is not StreamKind.SCREEN:
            parts = (self.rendition, self.codec, self.kind)
        elif self.codec is not CodecName.H264:
            parts = (self.rendition, self.codec)
        return f"{self.desk}/{'.'.join(parts)}"


_PARTS: tuple[tuple[str, type[StrEnum]], ...] = (
    ("rendition", Rendition),
    ("codec", CodecName),
    ("stream kind", StreamKind),
)


def check_name(name: str) -> str:
    """Return `name` if it may name a desk or a process; raise ProtocolError otherwise."""
    if not _NAME.fullmatch(name):
        raise ProtocolError(
            f"not a name: {name[:80]!r} (lower-case letters, digits, '-' and '_', at most 63)"
        )
    return name


def stream_name(desk: str, rendition: Rendition) -> str:
    """Return the name of a desk's picture in H.264: `main`, HIGH -> `main/high`."""
    return str(StreamName(desk, rendition))


@lru_cache(maxsize=100_000)
def split_stream(stream: str) -> StreamName:
    """Split a stream's name: `main/high` -> (`main`, HIGH, H264, SCREEN).

    Raises NotUnderstoodError for a rendition, codec or kind that this release does not know, and
    ProtocolError for anything else that is not a stream's name.
    """
    desk, _, rest = stream.partition("/")
    parts = rest.split(".")
    if len(parts) > len(_PARTS) or not all(map(_NAME.fullmatch, parts)):
        raise ProtocolError(f"not a stream: {stream[:80]!r} (desk/rendition[.codec[.kind]])")
    check_name(desk)
    known: list[StrEnum] = []
    for part, (label, values) in zip(parts, _PARTS, strict=False):
        if part not in tuple(values):
            what = f"{label} {part}"
            raise NotUnderstoodError(f"{stream[:80]!r}: unknown {what}", what, None, None)
        known.append(values(part))
    name = StreamName(desk, *known)  # type: ignore[arg-type]  # of these three kinds, in this order
    if str(name) != stream:
        raise ProtocolError(f"not a stream: {stream[:80]!r}, its name is {str(name)!r}")
    return name
