"""H.264 by libx264, in software: each unit is told its size.

Lives on whatever thread calls, one call at a time, and on threads of its own within a call. Owns
the context, and drops nothing.
"""

from collections.abc import Mapping

from fanlight_encoder.codecs import h264, names
from fanlight_encoder.codecs.base import Capabilities, Codec, CodecParams
from fanlight_encoder.codecs.libav import Opening
from fanlight_encoder.core.h264_levels import level_of

_LEAST_UNIT_KBIT = 1.0


class X264Codec(h264.H264Codec):
    """An OpenCodec. `more`: options of libx264 beside those of `opening`, or instead of them."""

    def __init__(self, params: CodecParams, more: Mapping[str, str] | None = None) -> None:
        """Raises CodecError if libx264 refuses the parameters."""
        super().__init__(X264, params, opening(params, more))

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        """See OpenCodec. Takes effect with the very next unit, without an IDR. Ignored with `crf`.

        The codec keeps to the size alone; the caller keeps to the rate by the sizes that it sets.
        """
        if self.params.crf is not None:
            return
        # Its buffer is one picture (see `opening`), so the bitrate sets the size of that picture.
        unit_kbit = max(_LEAST_UNIT_KBIT, min(unit_bytes / 125, self.params.buffer_kbit))
        self.context.bit_rate = int(unit_kbit * self.params.fps) * 1000


X264 = Codec(
    h264.NAME,
    names.LIBX264,
    Capabilities(
        live_bitrate=True,
        unit_limit=True,
        forced_idr=True,
        region=False,
        threads=True,
    ),
    X264Codec,
)


def opening(params: CodecParams, more: Mapping[str, str] | None = None) -> Opening:
    """Return what libx264 is opened with."""
    kbps_of_level = params.bitrate_kbps if params.crf is None else 0
    options = {
        "preset": params.preset,
        "tune": "zerolatency",
        "forced-idr": "1",
        # Presets slower than ultrafast would make IDRs of their own at changes of scene.
        "sc_threshold": "0",
        # The level is that of the stream's rate, not of the bitrate below.
        "level": level_of(params.size, params.fps, kbps_of_level),
    }
    if params.cabac:
        options["coder"] = "cabac"
    if params.crf is not None:
        return Opening(options=options | {"crf": f"{params.crf:g}"} | dict(more or {}))
    # The bitrate can be changed live and the buffer cannot, and libx264 makes the buffer at least
    # as large as one picture. So it is opened with no buffer, and the bitrate that it is told
    # before each picture sets the size of that picture (`set_target`). Measured at 1080p: an IDR
    # that is allowed 16 to 400 kB takes 0.90 to 0.94 of that, a change of scene 0.80 to 0.90, never
    # more. A maxrate that equals the bitrate at opening makes it CBR, and only a context that is
    # opened as CBR follows later changes of its bitrate.
    kbps = params.buffer_kbit * params.fps
    options |= {"maxrate": f"{kbps}k", "bufsize": "1k"}
    return Opening(kbps, params.qmin, options=options | dict(more or {}))
