"""VP8 by libvpx: a real codec that can little. For tests alone; no viewer is told of it.

It shows what another codec takes: this file, and nothing else.
"""

from fanlight_encoder.codecs.base import Capabilities, Codec, CodecParams
from fanlight_encoder.codecs.libav import LavCodec, Opening


class Vp8Codec(LavCodec):
    """An OpenCodec. libvpx follows no other bitrate than the one that it was opened with."""

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
