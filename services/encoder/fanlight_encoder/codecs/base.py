"""What a codec is: its names, what it can do, how it is opened, and what an open one does.

A `Codec` is a value that every thread may read. An `OpenCodec` lives on whatever thread calls, one
call at a time. It drops nothing: each picture becomes one access unit at once. That means no
B-frames, no lookahead, no reordering, and only the IDRs that are asked for.

To add a codec: write a module with a `Codec`, name it in `names`, list it in `registry`. The
pipeline, the schedule and the stream ask its `Capabilities`, and need no change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from av.video.frame import VideoFrame

from fanlight_common.core.geometry import Size
from fanlight_encoder.core.renditions import StreamParams


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a codec can do. Its users ask this, and never compare its name."""

    live_bitrate: bool
    """It follows a new rate without an IDR. Another codec is opened anew if the rate has changed
    much."""
    unit_limit: bool
    """It keeps a unit to the size that it is told. With other codecs the stream does not wait until
    the link can carry a unit of a useful size, because it cannot set the size."""
    forced_idr: bool
    """It makes an IDR when one is asked for. Another codec is opened anew for each IDR."""
    region: bool
    """It encodes a rectangle of the picture and leaves the rest as it was. Another codec encodes a
    region as a picture of its own, in a context of its own."""
    threads: bool
    """It spreads one picture over `CodecParams.threads` threads (slices), without delay."""
    pixel_format: str = "yuv420p"
    """The format of its pictures. They are BT.709, limited range."""


@dataclass(frozen=True, slots=True)
class CodecParams:
    """What a codec is opened with. `size` is the coded size, `qmin` on H.264's scale (1 to 51)."""

    size: Size
    fps: int
    preset: str
    bitrate_kbps: int
    """The highest rate that it will ever be told."""
    buffer_kbit: int
    """The most kbit of one unit."""
    qmin: int
    threads: int
    crf: float | None = None
    cabac: bool = False
    """See `StreamParams` for both."""

    @classmethod
    def for_stream(cls, stream: StreamParams, size: Size) -> "CodecParams":
        """Return the params for pictures of this coded size, at the stream's ceiling."""
        return cls(
            size,
            stream.fps,
            stream.preset,
            stream.kbps,
            round(stream.kbps * stream.budget_depth_s),
            stream.qmin,
            stream.threads,
            stream.crf,
            stream.cabac,
        )


@dataclass(frozen=True, slots=True)
class Encoded:
    """One access unit. `qp`: the average quantiser of its picture, None if it is not known."""

    payload: bytes
    idr: bool
    qp: float | None
    sharp: bool
    """Pictures are known to look as good in video with this quantiser as in an image. Text does
    not, because chroma is halved."""


class OpenCodec(Protocol):
    """An encoder of pictures of one size. Its opener closes it."""

    codec: "Codec"
    params: CodecParams

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        """Set the rate and the most bytes of a unit, from the next unit on.

        Both are within what the codec was opened with. It ignores a value that its capabilities do
        not cover.
        """

    def encode(self, picture: VideoFrame, *, idr: bool) -> Encoded:
        """Return the unit of `picture`, an IDR if asked for. Sets the picture's time and type.

        Raises CodecError. The codec can only be closed then, and the first unit of the next codec
        is an IDR.
        """

    def close(self) -> None:
        """Release threads and devices. Allowed after an error, and more than once."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One implementation of a codec."""

    name: str
    """The name on the wire, for which a viewer's decoder is configured (`CodecName` of common)."""
    implementation: str
    """The name in settings, logs and metrics, for example "libx264"."""
    capabilities: Capabilities
    open: Callable[[CodecParams], OpenCodec]
    """Raises CodecError if the codec cannot be opened, and then leaves nothing open."""
