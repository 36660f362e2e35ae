"""One stream's pictures: from a frame's pixels to an access unit.

Lives on a thread of the encoder, one call at a time. Owns the open codec and the last picture,
converted. So an IDR on an idle desk, a refinement and a new codec need no frame and no shared
memory, and only the changed rows of the next frame are converted; after anything unexpected all
rows are. A codec that fails is replaced within the same call, so viewers see an IDR and nothing
else. Drops nothing.
"""

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import av

from fanlight_common.core.errors import CodecError
from fanlight_common.core.geometry import Size
from fanlight_common.protocol.frames import Frame, damage_since
from fanlight_encoder import metrics
from fanlight_encoder.codecs.base import Capabilities, Codec, CodecParams, Encoded, OpenCodec
from fanlight_encoder.core.picture_size import coded, visible
from fanlight_encoder.core.renditions import StreamParams
from fanlight_encoder.core.rows import bands
from fanlight_encoder.units.convert import Converter, replace_rows, row_step

log = logging.getLogger(__name__)

_REOPEN_DOWN, _REOPEN_UP = 1.5, 2.0
"""A codec without live bitrate is opened anew if the rate is 1.5 times less or 2 times more."""


class FrameSource(Protocol):
    """What gives a frame's pixels: a FrameFeed."""

    def pixels(self, frame: Frame) -> memoryview:
        """Return the pixels. Raises FrameLostError."""

    def check(self, frame: Frame) -> None:
        """Raise FrameLostError if they were overwritten meanwhile."""


@dataclass(frozen=True, slots=True)
class _Picture:
    image: av.VideoFrame
    seen: Size
    coded: Size
    frame: Frame
    """The frame that it shows."""


class Pipeline:
    """Encodes the pictures of one stream. `StreamEncoder.run` closes it."""

    def __init__(self, stream: str, params: StreamParams, codec: Codec, fallback: Codec) -> None:
        """`fallback` takes over when `codec` has failed; the same viewers can decode both."""
        self._stream = stream
        self._params = params
        self._codec = codec
        self._fallback = fallback
        self._converter = Converter()
        self._open: OpenCodec | None = None
        self._picture: _Picture | None = None

    @property
    def seen(self) -> Size:
        """The visible size of the last picture."""
        assert self._picture is not None
        return self._picture.seen

    @property
    def codec(self) -> Codec:
        """The codec in use."""
        return self._codec

    @property
    def _can(self) -> Capabilities:
        return self._codec.capabilities

    def load(self, source: FrameSource, frame: Frame) -> None:
        """Make `frame` the picture to encode. Raises FrameLostError; the last picture stays."""
        self._load(source.pixels(frame), frame.stride, frame, source.check)

    def load_pixels(self, pixels: memoryview, frame: Frame) -> None:
        """Make `frame`, whose BGRX pixels these are, row by row, the picture to encode."""
        self._load(pixels, 4 * frame.width, frame, lambda _: None)

    def encode(self, kbps: int, unit_bytes: int, *, idr: bool) -> Encoded:
        """Encode the last picture, in at most `unit_bytes` if the codec can be told a size.

        Raises CodecError if the fallback has failed, too. The picture stays, and the next call
        tries again with a codec that is opened anew.
        """
        picture = self._picture
        assert picture is not None
        started = time.perf_counter()
        try:
            encoded = self._encode(picture, kbps, unit_bytes, idr)
        except CodecError as error:
            metrics.codec_failures.labels(self._codec.implementation).inc()
            log.warning("event=codec_failed stream=%s reason=%r", self._stream, str(error))
            # This helps even if they are the same, because a codec that is opened anew may work.
            self._codec = self._fallback
            encoded = self._encode(picture, kbps, unit_bytes, idr)
            took = self._codec.implementation
            log.info("event=codec stream=%s took=%s because=failure", self._stream, took)
        metrics.encode_seconds.observe(time.perf_counter() - started)
        return encoded

    def close(self) -> None:
        """Close the codec. The pipeline can still be used, and begins with an IDR."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _load(
        self, pixels: memoryview, stride: int, frame: Frame, check: Callable[[Frame], None]
    ) -> None:
        size = Size(frame.width, frame.height)
        seen = visible(size, self._params.max_size, self._params.divisor)
        target = coded(seen)
        started = time.perf_counter()
        rows = self._changed_rows(frame, target)
        pixel_format = self._can.pixel_format
        if rows is None:
            image = self._converter.convert(pixels, size, stride, target, pixel_format)
            check(frame)
            self._picture = _Picture(image, seen, target, frame)
        else:
            converted = self._converter.convert_rows(
                pixels, size, stride, target, rows, pixel_format
            )
            # This check comes before the bands are put into the picture, because a band that was
            # overwritten meanwhile would stay there.
            check(frame)
            assert self._picture is not None
            for band in converted:
                replace_rows(self._picture.image, band)
            self._picture = dataclasses.replace(self._picture, frame=frame)
        metrics.convert_seconds.observe(time.perf_counter() - started)

    def _changed_rows(self, frame: Frame, target: Size) -> list[tuple[int, int]] | None:
        """Return the rows in which `frame` differs from the last picture. None: unknown or many."""
        last = self._picture
        if last is None or last.coded != target or last.frame.instance != frame.instance:
            return None
        if last.image.format.name != self._can.pixel_format:
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
        """Encode with the open codec, or open one. After an error no codec is open."""
        if self._open is not None and not self._fits(self._open, picture, kbps, idr=idr):
            self.close()
        if self._open is None:
            self._open, idr = self._opened(picture.coded, kbps), True
        image = picture.image
        if image.format.name != self._can.pixel_format:
            # A fallback with another format has taken over. Later pictures are converted to it.
            image = image.reformat(format=self._can.pixel_format)
        try:
            self._open.set_target(kbps, unit_bytes)
            return self._open.encode(image, idr=idr)
        except CodecError:
            self.close()
            raise

    def _fits(self, opened: OpenCodec, picture: _Picture, kbps: int, *, idr: bool) -> bool:
        """Return whether the codec that is open can make the next unit."""
        if opened.params.size != picture.coded or (idr and not self._can.forced_idr):
            return False
        # Each opening costs an IDR, so a small step of the rate is not worth one.
        was = opened.params.bitrate_kbps
        return was / _REOPEN_DOWN <= self._opening_kbps(kbps) <= was * _REOPEN_UP

    def _opened(self, size: Size, kbps: int) -> OpenCodec:
        params = CodecParams.for_stream(self._params, size)
        return self._codec.open(dataclasses.replace(params, bitrate_kbps=self._opening_kbps(kbps)))

    def _opening_kbps(self, kbps: int) -> int:
        """Return the rate to open the codec with: the ceiling if it can follow a new rate later."""
        ceiling = self._params.kbps
        return ceiling if self._can.live_bitrate else min(kbps, ceiling)
