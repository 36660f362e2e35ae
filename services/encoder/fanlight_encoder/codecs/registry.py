"""Which codecs there are, and which of them this process uses: the first one that really encodes.

Runs once, at start, on a thread of the encoder. Owns the list of codecs, and drops those that do
not work here. A codec that PyAV lists need not work: its wheels list NVENC on every machine.
"""

import logging
from collections.abc import Sequence
from typing import Final

import av

from fanlight_common.core.errors import CodecError, ConfigurationError
from fanlight_common.core.geometry import Size
from fanlight_encoder.codecs import names
from fanlight_encoder.codecs.base import Codec, CodecParams, OpenCodec
from fanlight_encoder.codecs.h264_hardware import NVENC, VAAPI
from fanlight_encoder.codecs.x264 import X264
from fanlight_encoder.core.renditions import StreamParams

log = logging.getLogger(__name__)

CODECS: Final[Sequence[Codec]] = (NVENC, VAAPI, X264)
"""The preferred one first, as in `names.IMPLEMENTATIONS`."""
_TEST_SIZE = Size(256, 144)  # hardware refuses smaller pictures
_TEST_IDRS = (True, False, False, True, False)


def choose(wanted: str, codecs: Sequence[Codec], params: StreamParams) -> Codec:
    """Return the codec of the implementation that is wanted, or for "auto" the first that works.

    `params`: how the pictures of a stream are encoded, for the test of each codec. Raises
    ConfigurationError if the wanted codec fails here, or if every codec does.
    """
    tried = [codec for codec in codecs if wanted in (names.AUTO, codec.implementation)]
    because = "auto" if wanted == names.AUTO else "setting"
    refused = []
    for codec in tried:
        try:
            _try_out(codec, params)
        except CodecError as error:
            refused.append(str(error))
        else:
            log.info(
                "event=codec took=%s because=%s refused=%r",
                codec.implementation,
                because,
                "; ".join(refused),
            )
            return codec
    reasons = "; ".join(refused) or "not known"
    if wanted != names.AUTO:
        raise ConfigurationError(f"FANLIGHT_ENCODER_CODEC={wanted} does not work: {reasons}")
    raise ConfigurationError(f"no codec works: {reasons}")


def fallback_of(codec: Codec, codecs: Sequence[Codec]) -> Codec:
    """Return what takes over when an open codec has failed: the last of the same name.

    Viewers can decode that one as well, and the last codec is software. It may be the same codec,
    because a context that is opened anew may work.
    """
    alike = [other for other in codecs if other.name == codec.name]
    return alike[-1] if alike else codec


def _try_out(codec: Codec, params: StreamParams) -> None:
    opened = codec.open(CodecParams.for_stream(params, _TEST_SIZE))
    try:
        _encode_test(opened)
    finally:
        opened.close()


def _encode_test(opened: OpenCodec) -> None:
    can = opened.codec.capabilities
    picture = av.VideoFrame(_TEST_SIZE.width, _TEST_SIZE.height, can.pixel_format)
    for plane in picture.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    for number, idr in enumerate(_TEST_IDRS):
        idr = idr and (can.forced_idr or number == 0)
        if opened.encode(picture, idr=idr).idr != idr:
            name = opened.codec.implementation
            raise CodecError(f"{name}: unit {number} is an IDR that nobody asked for")
