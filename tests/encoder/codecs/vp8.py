"""VP8 by libvpx: a real codec with few capabilities. It is for tests only; no viewer gets it.

It also shows that a new codec needs one file and nothing else.
"""

from fanlight_encoder.codecs.base import Capabilities, Codec, CodecParams
from fanlight_encoder.codecs.libav import LavCodec, Opening


class Vp8Codec(LavCodec):
    """An OpenCodec. libvpx keeps the bitrate with which it was opened."""

    def __init__(self, params: CodecParams) -> None:
        super().__init__(
            VP8,
            params,
            Opening(
                params.bitrate_kbps,
                options={
                    "deadline": "realtime",
                    "cpu-used": "8",
                    "lag-in-frames": "0",
                    "error-resilient": "0",
                    "auto-alt-ref": "0",
                },
            ),
        )


VP8 = Codec(
    "vp8",
    "libvpx",
    Capabilities(
        live_bitrate=False, unit_limit=False, forced_idr=True, region=False, threads=False
    ),
    Vp8Codec,
)
