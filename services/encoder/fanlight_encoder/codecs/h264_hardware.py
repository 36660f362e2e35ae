"""H.264 by hardware: NVENC and VA-API. Neither can be told the size of a single unit.

Lives on whatever thread calls, one call at a time; the device works meanwhile. Owns the context on
the device, and drops nothing.
"""

from dataclasses import replace

from fanlight_encoder.codecs import h264, names
from fanlight_encoder.codecs.base import Capabilities, Codec, CodecParams
from fanlight_encoder.codecs.libav import Opening


class NvencCodec(h264.H264Codec):
    """An OpenCodec."""

    def __init__(self, params: CodecParams) -> None:
        """Raises CodecError if there is no device or no driver."""
        super().__init__(NVENC, params, nvenc_opening(params))

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        """See OpenCodec."""
        self.context.bit_rate = min(kbps, self.params.bitrate_kbps) * 1000


class VaapiCodec(h264.H264Codec):
    """An OpenCodec."""

    def __init__(self, params: CodecParams) -> None:
        """Raises CodecError if there is no device or no driver."""
        super().__init__(VAAPI, params, vaapi_opening(params))


NVENC = Codec(
    h264.NAME,
    names.H264_NVENC,
    Capabilities(
        live_bitrate=True,
        unit_limit=False,
        forced_idr=True,
        region=False,
        threads=False,
    ),
    NvencCodec,
)
VAAPI = Codec(
    h264.NAME,
    names.H264_VAAPI,
    # libavcodec wants VA-API to be opened anew for another bitrate.
    replace(NVENC.capabilities, live_bitrate=False),
    VaapiCodec,
)


def nvenc_opening(params: CodecParams) -> Opening:
    """Return what NVENC is opened with: CBR, each picture out at once."""
    # Baseline tells a decoder by itself that nothing is reordered.
    return _held_to_rate(
        params,
        {
            "preset": "p3",
            "tune": "ull",
            "profile": "baseline",
            "rc": "cbr",
            "zerolatency": "1",
            "delay": "0",
            "forced-idr": "1",
            "no-scenecut": "1",
        },
    )


def vaapi_opening(params: CodecParams) -> Opening:
    """Return what VA-API is opened with: CBR, one picture at a time, headers in each IDR."""
    options = {"profile": "constrained_baseline", "rc_mode": "CBR", "async_depth": "1"}
    # Its pictures have to be on the device, and PyAV puts them there if it gets the accelerator.
    return replace(_held_to_rate(params, options), pixel_format="nv12", accelerator="vaapi")


def _held_to_rate(params: CodecParams, options: dict[str, str]) -> Opening:
    # A maxrate that equals the bitrate at opening makes it CBR, and only a context that is opened
    # as CBR follows later changes of its bitrate.
    rate = {"maxrate": f"{params.bitrate_kbps}k", "bufsize": f"{params.buffer_kbit}k"}
    return Opening(params.bitrate_kbps, params.qmin, options=rate | options)
