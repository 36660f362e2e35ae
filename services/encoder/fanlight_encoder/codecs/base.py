"""What a codec is: its names, what it can do, how it is opened, and what an open one does.

A `Codec` is a value that every thread may read. An `OpenCodec` lives on whatever thread calls, one
call at a time, and drops nothing: each picture is one access unit at once. That means no B-frames,
no lookahead, no reordering, and IDRs only where they are asked for.

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
    """What a codec can do. Whoever uses it asks here, not for its name."""

    live_bitrate: bool
    """It follows a new rate with no IDR. One that does not is opened anew when the rate has changed
    much."""
    unit_limit: bool
    """It keeps a unit to the size that it is told. For one that does not, nobody waits until the
    link could carry a picture of a useful size: it makes the size that it makes."""
    forced_idr: bool
    """It makes an IDR where one is asked for. One that does not is opened anew for each IDR."""
    region: bool
    """It encodes a rectangle of the picture and leaves the rest as it was. For one that does not, a
    region is a picture of its own, in a context of its own."""
    threads: bool
    """It spreads one picture over `CodecParams.threads` threads, with no delay (slices)."""
    pixel_format: str = "yuv420p"
    """How it takes its pictures; BT.709, limited range."""


@dataclass(frozen=True, slots=True)
class CodecParams:
    """What a codec is opened with. `size` is the coded one, `qmin` on H.264's scale (1 to 51)."""

    size: Size
    fps: int
    preset: str
    bitrate_kbps: int
    """The most that it will ever be told."""
    buffer_kbit: int
    """The most that one unit may have."""
    qmin: int
    threads: int
    crf: float | None = None
    cabac: bool = False
    """See `StreamParams` for both."""

    @classmethod
    def for_stream(cls, stream: StreamParams, size: Size) -> "CodecParams":
        """For pictures of this coded size, at the stream's ceiling."""
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
    """One access unit. `qp`: the average quantiser of its picture, None where it is not known."""

    payload: bytes
    idr: bool
    qp: float | None
    sharp: bool
    """Video of a picture with this quantiser is known to be as good as an image of it. Of text it
    is not, because chroma is halved."""


class OpenCodec(Protocol):
    """An encoder of pictures of one size. Whoever opened it closes it."""

    codec: "Codec"
    params: CodecParams

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        """From the next unit on: this rate, and this size at most, both within what it was opened
        with. The codec takes of this what its capabilities name and passes over the rest."""

    def encode(self, picture: VideoFrame, *, idr: bool) -> Encoded:
        """The unit of `picture`, an IDR if one is asked for. Sets the picture's time and type.

        Raises CodecError. What was encoded until then is lost with it: the codec can only be
        closed, and the first unit of the next one is an IDR.
        """

    def close(self) -> None:
        """Let go of threads and devices. Allowed after an error, and more than once."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One implementation of a codec."""

    name: str
    """On the wire: what a viewer's decoder is configured for, by `names.CodecName` of common."""
    implementation: str
    """In settings, logs and metrics: which encoder this is, for example "libx264"."""
    capabilities: Capabilities
    open: Callable[[CodecParams], OpenCodec]
    """Raises CodecError where it cannot be opened, and then leaves nothing open."""
