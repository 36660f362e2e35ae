"""H.264 encoders by PyAV: pictures in, access units out, one for one.

Lives on whatever thread calls, one at a time; PyAV lets the others run meanwhile. Drops nothing:
a codec that keeps a picture to itself, or makes no IDR where one is wanted, has failed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import av
import av.logging
from av.codec.hwaccel import HWAccel
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from fanlight_common.core.errors import CodecError
from fanlight_encoder.codecs.options import ENDLESS_GOP, CodecParams, opening_kbps, options_for
from fanlight_encoder.core import annexb

_QP_TO_LAMBDA = 118  # FF_QP2LAMBDA
_LEAST_UNIT_KBIT = 1.0
_FAILURES = (av.FFmpegError, ValueError, NotImplementedError)
"""PyAV raises the second for a codec it has not, the third for a device it cannot use."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One access unit. `qp`: its average quantiser, None where the codec does not tell."""

    payload: bytes
    idr: bool
    qp: float | None


class Codec(Protocol):
    """An open encoder of one size."""

    name: str
    params: CodecParams

    def encode(self, picture: VideoFrame, *, idr: bool) -> Encoded:
        """The unit of `picture`, an IDR if that is asked for. Raises CodecError."""

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        """What the next units are to have, at most what it was opened with: this rate, where it
        can follow (LIVE_BITRATE), and this size at most, where it can be told (libx264)."""


Opener = Callable[[str, CodecParams], Codec]
"""Opens the codec of that name. Raises CodecError."""


class LavCodec:
    """libx264, h264_nvenc or h264_vaapi. Raises CodecError where it cannot be opened.

    `more`: options of the codec besides, or instead of, those of `options_for`.
    """

    def __init__(
        self, name: str, params: CodecParams, more: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.params = params
        self._pts = 0
        with av.logging.Capture() as said:
            try:
                self._context = open_context(name, params, more or {})
            except _FAILURES as error:
                # What libav said on the way tells more than its error number:
                # "Cannot load libcuda.so.1" rather than "Operation not permitted".
                reason = said[0][2].strip() if said else _plain(error)
                raise CodecError(f"{name}: {reason}") from None

    def encode(self, picture: VideoFrame, *, idr: bool) -> Encoded:
        """See Codec."""
        # Pictures are counted, not timed: rate control shares out bits by picture.
        picture.pts = self._pts
        picture.time_base = self._context.time_base
        picture.pict_type = PictureType.I if idr else PictureType.NONE
        self._pts += 1
        try:
            packets = self._context.encode(picture)
        except _FAILURES as error:
            raise CodecError(f"{self.name}: {error}") from None
        if len(packets) != 1:
            raise CodecError(f"{self.name}: {len(packets)} units for one picture")
        payload = bytes(packets[0])
        is_idr = annexb.is_idr(payload)
        if idr and not is_idr:
            raise CodecError(f"{self.name}: an IDR was asked for and did not come")
        return Encoded(payload, is_idr, _average_qp(packets[0]))

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        """See Codec. With libx264 it holds from the very next unit, with no IDR."""
        if self.params.crf is not None:
            return
        if self.name == "libx264":
            # Its buffer is one picture, see `options_for`: so this is the picture's size.
            unit_kbit = max(_LEAST_UNIT_KBIT, min(unit_bytes / 125, self.params.buffer_kbit))
            self._context.bit_rate = int(unit_kbit * self.params.fps) * 1000
        else:
            self._context.bit_rate = min(kbps, self.params.bitrate_kbps) * 1000


def open_context(name: str, params: CodecParams, more: Mapping[str, str]) -> VideoCodecContext:
    """What a LavCodec encodes with. Raises what PyAV raises, see `_FAILURES`."""
    # VA-API wants its pictures on the device: with the accelerator given, PyAV puts them there.
    accelerator = HWAccel("vaapi") if name == "h264_vaapi" else None
    context = av.CodecContext.create(name, "w", hwaccel=accelerator)
    assert isinstance(context, VideoCodecContext)
    context.width, context.height = params.size.width, params.size.height
    context.pix_fmt = "nv12" if accelerator else "yuv420p"
    context.time_base = Fraction(1, params.fps)
    context.framerate = Fraction(params.fps)
    context.gop_size = ENDLESS_GOP
    context.max_b_frames = 0
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
    if params.crf is None:
        context.bit_rate = opening_kbps(name, params) * 1000
        context.qmin = params.qmin
    if name == "libx264":
        context.thread_count = params.threads
    context.options = options_for(name, params) | dict(more)
    context.open()
    return context


def _average_qp(packet: "Packet[VideoStream]") -> float | None:
    for data in packet.iter_sidedata():
        if data.data_type == "quality_stats":
            return int.from_bytes(bytes(data)[:4], "little") / _QP_TO_LAMBDA
    return None


def _plain(error: Exception) -> str:
    """PyAV's texts hold the whole call; the system's word for it says as much."""
    if isinstance(error, av.codec.codec.UnknownCodecError):
        return "not in this build of FFmpeg"
    return getattr(error, "strerror", None) or str(error)
