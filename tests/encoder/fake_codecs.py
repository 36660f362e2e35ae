"""Codecs that fail, that are missing, or that are opened in another way."""

import dataclasses
from collections.abc import Callable, Sequence

from av import VideoFrame

from fanlight_common.core.errors import CodecError
from fanlight_encoder.codecs.base import Codec, CodecParams, Encoded, OpenCodec
from fanlight_encoder.codecs.h264_hardware import NVENC, VAAPI
from fanlight_encoder.codecs.x264 import X264


class FlakyCodec:
    """libx264 by another name, which fails on the `after`th picture from now, for ever."""

    def __init__(self, codec: Codec, params: CodecParams, after: int) -> None:
        self.codec = codec
        self.params = params
        self._real = X264.open(params)
        self._left = after

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        self._real.set_target(kbps, unit_bytes)

    def encode(self, picture: VideoFrame, *, idr: bool) -> Encoded:
        self._left -= 1
        if self._left < 0:
            raise CodecError(f"{self.codec.implementation}: the device was lost")
        return self._real.encode(picture, idr=idr)

    def close(self) -> None:
        self._real.close()


def opened_by(codec: Codec, opener: Callable[[CodecParams], OpenCodec]) -> Codec:
    """The codec with the same names and capabilities, opened in another way."""
    return dataclasses.replace(codec, open=opener)


def missing(codec: Codec) -> Codec:
    """The codec on a machine that has no such thing."""

    def opener(params: CodecParams) -> OpenCodec:
        raise CodecError(f"{codec.implementation}: not in this test")

    return opened_by(codec, opener)


def flaky(codec: Codec, after: int) -> Codec:
    """The codec on a machine where it fails after so many pictures."""
    return opened_by(codec, lambda params: FlakyCodec(codec, params, after))


NO_HARDWARE = (missing(NVENC), missing(VAAPI), X264)
"""libx264 and nothing else, whatever this machine has."""


def flaky_hardware(after: int) -> Sequence[Codec]:
    """NVENC that fails after so many pictures, and libx264."""
    return (flaky(NVENC, after), missing(VAAPI), X264)
