"""Codecs for tests: some fail, some are missing, some are opened in another way."""

import dataclasses
from collections.abc import Callable, Sequence

from av import VideoFrame

from fanlight_common.core.errors import CodecError
from fanlight_encoder.codecs.base import Codec, CodecParams, Encoded, OpenCodec
from fanlight_encoder.codecs.h264_hardware import NVENC, VAAPI
from fanlight_encoder.codecs.x264 import X264


class FlakyCodec:
    """libx264 under another name. It encodes `after` pictures, and fails for ever after."""

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
    """Return the codec with the same names and capabilities, but opened by `opener`."""
    return dataclasses.replace(codec, open=opener)


def missing(codec: Codec) -> Codec:
    """Return the codec as on a machine that does not have it."""

    def opener(params: CodecParams) -> OpenCodec:
        raise CodecError(f"{codec.implementation}: not in this test")

    return opened_by(codec, opener)


def flaky(codec: Codec, after: int) -> Codec:
    """Return the codec as on a machine on which it fails after so many pictures."""
    return opened_by(codec, lambda params: FlakyCodec(codec, params, after))


NO_HARDWARE = (missing(NVENC), missing(VAAPI), X264)
"""Only libx264 works, whatever this machine has."""


def flaky_hardware(after: int) -> Sequence[Codec]:
    """Return codecs of which NVENC fails after so many pictures, and libx264 works."""
    return (flaky(NVENC, after), missing(VAAPI), X264)
