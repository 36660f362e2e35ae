"""What every encoder of H.264 has in common, in software or in hardware.

Lives on whatever thread calls, one call at a time. Owns nothing beyond the context of `libav`, and
drops nothing: each picture is one access unit.
"""

from av.packet import Packet
from av.video.stream import VideoStream

from fanlight_common.core.names import CodecName
from fanlight_encoder.codecs.libav import LavCodec
from fanlight_encoder.core import annexb

NAME = CodecName.H264
"""The codec's name on the wire."""


class H264Codec(LavCodec):
    """An OpenCodec. Each IDR contains SPS and PPS; they are sent in no other way."""

    SHARP_QP = 24.0

    def is_idr(self, packet: "Packet[VideoStream]", payload: bytes) -> bool:
        """Decide by the bytes and not by the codec's flag, because a decoder reads the bytes."""
        return annexb.is_idr(payload)
