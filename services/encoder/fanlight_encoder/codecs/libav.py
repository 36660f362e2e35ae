"""Codecs of libavcodec by PyAV: what all of them have in common.

Lives on whatever thread calls, one call at a time; PyAV lets other threads run meanwhile. Owns the
context. Drops nothing: a codec that holds a picture back, or makes no IDR when one is asked for,
has failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import av
import av.logging
from av.codec.hwaccel import HWAccel
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from fanlight_common.core.errors import CodecError
from fanlight_encoder.codecs.base import Codec, CodecParams, Encoded

ENDLESS_GOP = 2**31 - 1
_QP_TO_LAMBDA = 118  # FF_QP2LAMBDA
_FAILURES = (av.FFmpegError, ValueError, NotImplementedError)
"""PyAV raises the second for a codec that it lacks, the third for a device that it cannot use."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a context of libavcodec is opened with, except the size and rate of its pictures."""

    bitrate_kbps: int | None = None
    """None if the options control the rate."""
    qmin: int | None = None
    pixel_format: str = "yuv420p"
    accelerator: str | None = None
    """PyAV puts the pictures onto this device."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the codec itself."""


class LavCodec:
    """An OpenCodec. A codec's module says how it is opened, and what it is told before a unit."""

    SHARP_QP: ClassVar[float | None] = None
    """A unit with at most this quantiser is `Encoded.sharp`. None: no unit is known to be sharp."""

    def __init__(self, codec: Codec, params: CodecParams, opening: Opening) -> None:
        """Raises CodecError if libavcodec cannot open it."""
        self.codec = codec
        self.params = params
        self._pts = 0
        self._context: VideoCodecContext | None = None
        with av.logging.Capture() as logged:
            try:
                self._context = open_context(codec, params, opening)
            except _FAILURES as error:
                # libav's first log line says more than its error number: "Cannot load
                # libcuda.so.1" rather than "Operation not permitted".
                reason = logged[0][2].strip() if logged else _plain(error)
                raise CodecError(f"{codec.implementation}: {reason}") from None

    @property
    def context(self) -> VideoCodecContext:
        """The context. Raises CodecError after `close`."""
        if self._context is None:
            raise CodecError(f"{self.codec.implementation}: closed")
        return self._context

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        """See OpenCodec. This does nothing: a context stays as it was opened."""

    def encode(self, picture: VideoFrame, *, idr: bool) -> Encoded:
        """See OpenCodec."""
        context = self.context
        # Pictures are counted and not timed, because rate control shares out bits by picture.
        picture.pts = self._pts
        picture.time_base = context.time_base
        picture.pict_type = PictureType.I if idr else PictureType.NONE
        self._pts += 1
        try:
            packets = context.encode(picture)
        except _FAILURES as error:
            raise CodecError(f"{self.codec.implementation}: {error}") from None
        if len(packets) != 1:
            raise CodecError(f"{self.codec.implementation}: {len(packets)} units for one picture")
        payload = bytes(packets[0])
        is_idr = self.is_idr(packets[0], payload)
        if idr and not is_idr:
            raise CodecError(f"{self.codec.implementation}: an IDR was asked for and did not come")
        qp = _average_qp(packets[0])
        sharp = qp is not None and self.SHARP_QP is not None and qp <= self.SHARP_QP
        return Encoded(payload, is_idr, qp, sharp)

    def is_idr(self, packet: "Packet[VideoStream]", payload: bytes) -> bool:
        """Return whether decoding can begin with this unit."""
        return packet.is_keyframe

    def close(self) -> None:
        """See OpenCodec. PyAV frees a context when nothing refers to it any more."""
        self._context = None


def open_context(codec: Codec, params: CodecParams, opening: Opening) -> VideoCodecContext:
    """Return the context that a LavCodec encodes with. Raises what PyAV raises: `_FAILURES`."""
    accelerator = HWAccel(opening.accelerator) if opening.accelerator else None
    context = av.CodecContext.create(codec.implementation, "w", hwaccel=accelerator)
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = params.size.width, params.size.height
    context.pix_fmt = opening.pixel_format
    context.time_base = Fraction(1, params.fps)
    context.framerate = Fraction(params.fps)
    context.gop_size = ENDLESS_GOP
    context.max_b_frames = 0
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
    if opening.bitrate_kbps is not None:
        context.bit_rate = opening.bitrate_kbps * 1000
    if opening.qmin is not None:
        context.qmin = opening.qmin
    if codec.capabilities.threads:
        context.thread_count = params.threads
    context.options = dict(opening.options)
    context.open()
    return context


def _average_qp(packet: "Packet[VideoStream]") -> float | None:
    for data in packet.iter_sidedata():
        if data.data_type == "quality_stats":
            return int.from_bytes(bytes(data)[:4], "little") / _QP_TO_LAMBDA
    return None


def _plain(error: Exception) -> str:
    """Return the system's text for an error: PyAV's own text has the whole call in it."""
    if isinstance(error, av.codec.codec.UnknownCodecError):
        return "not in this build of FFmpeg"
    return getattr(error, "strerror", None) or str(error)
