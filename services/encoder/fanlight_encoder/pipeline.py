"""One stream's pictures: from a frame's pixels to an access unit.

Lives on a worker thread, one call at a time. Keeps the last picture, converted: so an IDR on an
idle desk, refinement and a new codec need no frame and no shared memory. A codec that fails is
replaced by libx264 within the same call, so viewers see an IDR and nothing else.
"""

import dataclasses
import logging
import time
from dataclasses import dataclass
from typing import Protocol

import av

from fanlight_common.errors import CodecError
from fanlight_common.protocol.frames import Frame
from fanlight_encoder import metrics
from fanlight_encoder.choice import SOFTWARE
from fanlight_encoder.codec import Codec, Encoded, Opener
from fanlight_encoder.convert import Converter
from fanlight_encoder.geometry import Size, coded, visible
from fanlight_encoder.options import LIVE_BITRATE, params_for
from fanlight_encoder.settings import EncoderSettings

log = logging.getLogger(__name__)


class FrameSource(Protocol):
    """Where a frame's pixels are to be had: a FrameFeed."""

    def pixels(self, frame: Frame) -> memoryview:
        """The pixels. Raises FrameLostError."""

    def check(self, frame: Frame) -> None:
        """Raises FrameLostError if they were overwritten meanwhile."""


@dataclass(frozen=True, slots=True)
class _Picture:
    image: av.VideoFrame
    seen: Size
    coded: Size


class Pipeline:
    """Frames in, units out, of one stream."""

    def __init__(
        self, stream: str, settings: EncoderSettings, codec: str, opener: Opener, *, keyframes: bool
    ) -> None:
        self._stream = stream
        self._settings = settings
        self._codec_name = codec
        self._opener = opener
        self._keyframes = keyframes
        self._limit = Size(settings.max_width, settings.max_height)
        self._converter = Converter()
        self._codec: Codec | None = None
        self._picture: _Picture | None = None
        self._bitrate_kbps: int | None = None
        """What was asked for; None: the ceiling."""
        self._codec_kbps: int | None = None
        """What the codec was told of that."""

    @property
    def seen(self) -> Size:
        """The visible size of the last picture."""
        assert self._picture is not None
        return self._picture.seen

    @property
    def codec_name(self) -> str:
        """The codec in use."""
        return self._codec_name

    def load(self, source: FrameSource, frame: Frame) -> None:
        """Make `frame` the picture to encode. Raises FrameLostError; the last picture stays."""
        size = Size(frame.width, frame.height)
        seen = visible(size, self._limit)
        started = time.perf_counter()
        image = self._converter.convert(source.pixels(frame), size, frame.stride, coded(seen))
        metrics.convert_seconds.observe(time.perf_counter() - started)
        source.check(frame)
        self._picture = _Picture(image, seen, coded(seen))

    def encode(self, *, idr: bool) -> Encoded:
        """Encode the picture, again if need be. Raises CodecError where libx264 has failed too."""
        picture = self._picture
        assert picture is not None
        started = time.perf_counter()
        try:
            encoded = self._encode(picture, idr)
        except CodecError as error:
            metrics.codec_failures.labels(self._codec_name).inc()
            log.warning("event=codec_failed stream=%s reason=%r", self._stream, str(error))
            # Also from libx264 to libx264: a fresh one may well work.
            self._codec, self._codec_name = None, SOFTWARE
            encoded = self._encode(picture, idr)
            log.info("event=codec stream=%s took=%s because=failure", self._stream, SOFTWARE)
        metrics.encode_seconds.observe(time.perf_counter() - started)
        return encoded

    def set_bitrate(self, kbps: int) -> None:
        """Aim at this rate from the next unit on, at most at the ceiling. From any thread."""
        self._bitrate_kbps = kbps

    def _encode(self, picture: _Picture, idr: bool) -> Encoded:
        kbps = self._bitrate_kbps
        codec = self._codec
        if codec is not None and kbps != self._codec_kbps and codec.name not in LIVE_BITRATE:
            codec = None
        if codec is None or codec.params.size != picture.coded:
            codec, idr = self._open(picture.coded, kbps), True
        elif kbps is not None and kbps != self._codec_kbps:
            codec.set_bitrate(kbps)
        # Only one that has not failed is kept.
        self._codec = None
        encoded = codec.encode(picture.image, idr=idr)
        self._codec, self._codec_kbps = codec, kbps
        return encoded

    def _open(self, size: Size, kbps: int | None) -> Codec:
        params = params_for(self._settings, size, keyframes_only=self._keyframes)
        if kbps is None:
            return self._opener(self._codec_name, params)
        if self._codec_name not in LIVE_BITRATE:
            params = dataclasses.replace(params, bitrate_kbps=min(kbps, params.bitrate_kbps))
        codec = self._opener(self._codec_name, params)
        codec.set_bitrate(kbps)
        return codec
