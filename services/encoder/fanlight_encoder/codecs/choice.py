"""Which codec this machine gets: asked by really encoding a small picture.

Runs once, at start. A codec that is listed is not a codec that works: PyAV's wheels list nvenc
everywhere.
"""

import logging

import av

from fanlight_common.core.errors import CodecError, ConfigurationError
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs.h264 import Opener
from fanlight_encoder.codecs.options import params_for
from fanlight_encoder.core.picture_size import Size
from fanlight_encoder.settings import EncoderSettings

log = logging.getLogger(__name__)

SOFTWARE = "libx264"
HARDWARE = ("h264_nvenc", "h264_vaapi")
_TEST_SIZE = Size(256, 144)  # above what the hardware refuses as too small
_TEST_IDRS = (True, False, False, True, False)


def choose(settings: EncoderSettings, opener: Opener) -> str:
    """The codec to use. Raises ConfigurationError where what is set does not work here."""
    if settings.codec != "auto":
        try:
            _try_out(settings.codec, settings, opener)
        except CodecError as error:
            name = "FANLIGHT_ENCODER_CODEC"
            raise ConfigurationError(f"{name}={settings.codec} does not work: {error}") from None
        log.info("event=codec took=%s because=setting", settings.codec)
        return settings.codec
    refused = []
    for codec in (*HARDWARE, SOFTWARE):
        try:
            _try_out(codec, settings, opener)
        except CodecError as error:
            refused.append(str(error))
        else:
            log.info("event=codec took=%s because=auto refused=%r", codec, "; ".join(refused))
            return codec
    raise ConfigurationError(f"no H.264 encoder works: {'; '.join(refused)}")


def _try_out(name: str, settings: EncoderSettings, opener: Opener) -> None:
    codec = opener(name, params_for(settings, _TEST_SIZE, Rendition.HIGH))
    picture = av.VideoFrame(_TEST_SIZE.width, _TEST_SIZE.height, "yuv420p")
    for plane in picture.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    for number, idr in enumerate(_TEST_IDRS):
        if codec.encode(picture, idr=idr).idr != idr:
            raise CodecError(f"{name}: unit {number} is an IDR that nobody asked for")
