"""One stream's pictures: from a frame's pixels to an access unit.

Lives on a worker thread, one call at a time. Keeps the last picture, converted: so an IDR on an
idle desk, refinement and a new codec need no frame and no shared memory, and of the next one only
the rows that changed are converted. After anything unexpected it is all of them. A codec that fails
is replaced by libx264 within the same call, so viewers see an IDR and nothing else.
"""

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import av

from fanlight_common.core.errors import CodecError
from fanlight_common.core.names import split_stream
from fanlight_common.protocol.frames import Frame, damage_since
from fanlight_encoder import metrics
from fanlight_encoder.codecs.choice import SOFTWARE
from fanlight_encoder.codecs.h264 import Codec, Encoded, Opener
from fanlight_encoder.codecs.options import LIVE_BITRATE, ceiling_kbps, params_for
from fanlight_encoder.core.picture_size import Size, coded, visible
from fanlight_encoder.core.renditions import PROFILES
from fanlight_encoder.core.rows import bands
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.convert import Converter, replace_rows, row_step

log = logging.getLogger(__name__)

_REOPEN_DOWN, _REOPEN_UP = 1.5, 2.0
"""A codec that cannot follow is opened anew when the rate is so many times less, or more."""


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
    frame: Frame
    """Which it shows."""


class Pipeline:
    """Frames in, units out, of one stream."""

    def __init__(self, stream: str, settings: EncoderSettings, codec: str, opener: Opener) -> None:
        self._stream = stream
        self._settings = settings
        self._codec_name = codec
        self._opener = opener
        self._rendition = split_stream(stream)[1]
        self._limit = Size(settings.max_width, settings.max_height)
        self._converter = Converter()
        self._codec: Codec | None = None
        self._picture: _Picture | None = None

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
        self._load(source.pixels(frame), frame.stride, frame, source.check)

    def load_pixels(self, pixels: memoryview, frame: Frame) -> None:
        """Make `frame`, whose BGRX pixels these are, row by row, the picture to encode."""
        self._load(pixels, 4 * frame.width, frame, lambda _: None)

    def encode(self, kbps: int, unit_bytes: int, *, idr: bool) -> Encoded:
        """Encode the picture, again if need be, in at most so many bytes where the codec can.

        Raises CodecError where libx264 has failed too.
        """
        picture = self._picture
        assert picture is not None
        started = time.perf_counter()
        try:
            encoded = self._encode(picture, kbps, unit_bytes, idr)
        except CodecError as error:
            metrics.codec_failures.labels(self._codec_name).inc()
            log.warning("event=codec_failed stream=%s reason=%r", self._stream, str(error))
            # Also from libx264 to libx264: a fresh one may well work.
            self._codec, self._codec_name = None, SOFTWARE
            encoded = self._encode(picture, kbps, unit_bytes, idr)
            log.info("event=codec stream=%s took=%s because=failure", self._stream, SOFTWARE)
        metrics.encode_seconds.observe(time.perf_counter() - started)
        return encoded

    def _load(
        self, pixels: memoryview, stride: int, frame: Frame, check: Callable[[Frame], None]
    ) -> None:
        size = Size(frame.width, frame.height)
        seen = visible(size, self._limit, PROFILES[self._rendition].divisor)
        target = coded(seen)
        started = time.perf_counter()
        rows = self._changed_rows(frame, target)
        if rows is None:
            image = self._converter.convert(pixels, size, stride, target)
            check(frame)
            self._picture = _Picture(image, seen, target, frame)
        else:
            made = self._converter.convert_rows(pixels, size, stride, target, rows)
            # Not before: a torn band would stay in the picture.
            check(frame)
            assert self._picture is not None
            for band in made:
                replace_rows(self._picture.image, band)
            self._picture = dataclasses.replace(self._picture, frame=frame)
        metrics.convert_seconds.observe(time.perf_counter() - started)

    def _changed_rows(self, frame: Frame, target: Size) -> list[tuple[int, int]] | None:
        """Where `frame` differs from the last picture; None where that is not known, or much."""
        last = self._picture
        if last is None or last.coded != target or last.frame.instance != frame.instance:
            return None
        size = Size(frame.width, frame.height)
        step = row_step(size, target)
        if not step or size != Size(last.frame.width, last.frame.height):
            return None
        if frame.sequence == last.frame.sequence:
            return []
        damage = damage_since(frame, last.frame.sequence)
        return None if damage is None else bands(damage, size.height, step)

    def _encode(self, picture: _Picture, kbps: int, unit_bytes: int, idr: bool) -> Encoded:
        codec = self._codec
        if codec is not None and _is_left_behind(codec, self._wanted(codec.name, kbps)):
            codec = None
        if codec is None or codec.params.size != picture.coded:
            codec, idr = self._open(picture.coded, kbps), True
        codec.set_target(kbps, unit_bytes)
        # Only one that has not failed is kept.
        self._codec = None
        encoded = codec.encode(picture.image, idr=idr)
        self._codec = codec
        return encoded

    def _open(self, size: Size, kbps: int) -> Codec:
        params = params_for(self._settings, size, self._rendition)
        wanted = self._wanted(self._codec_name, kbps)
        return self._opener(self._codec_name, dataclasses.replace(params, bitrate_kbps=wanted))

    def _wanted(self, codec: str, kbps: int) -> int:
        """The rate to open it with."""
        ceiling = ceiling_kbps(self._settings, self._rendition)
        return ceiling if codec in LIVE_BITRATE else min(kbps, ceiling)


def _is_left_behind(codec: Codec, kbps: int) -> bool:
    """Whether it is worth an IDR to open it anew."""
    opened = codec.params.bitrate_kbps
    return not opened / _REOPEN_DOWN <= kbps <= opened * _REOPEN_UP
