"""H.264 by libx264, in software: each unit is told its size.

Lives on whatever thread calls, one call at a time, and on threads of its own within a call.
"""

from collections.abc import Mapping

from fanlight_encoder.codecs import h264, names
from fanlight_encoder.codecs.base import Capabilities, Codec, CodecParams
from fanlight_encoder.codecs.libav import Opening
from fanlight_encoder.core.h264_levels import level_of

_LEAST_UNIT_KBIT = 1.0


class X264Codec(h264.H264Codec):
    """An OpenCodec. `more`: options of libx264 beside, or instead of, those of `opening`."""

    def __init__(self, params: CodecParams, more: Mapping[str, str] | None = None) -> None:
        """Raises CodecError where libx264 refuses the parameters."""
        super().__init__(X264, params, opening(params, more))

    def set_target(self, kbps: int, unit_bytes: int) -> None:
        """See OpenCodec. Holds from the very next unit, with no IDR; with `crf` it does nothing.

        The rate is kept by whoever says the sizes.
        """
        if self.params.crf is not None:
            return
        # Its buffer is one picture, see `opening`: so the bitrate is the size of that picture.
        unit_kbit = max(_LEAST_UNIT_KBIT, min(unit_bytes / 125, self.params.buffer_kbit))
        self.context.bit_rate = int(unit_kbit * self.params.fps) * 1000


X264 = Codec(
    h264.NAME,
    names.X264,
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
    """What libx264 is opened with, and why."""
    kbps_of_level = params.bitrate_kbps if params.crf is None else 0
    options = {
        "preset": params.preset,
        "tune": "zerolatency",
        "forced-idr": "1",
        # Presets above ultrafast would make IDRs of their own where the picture changes.
        "sc_threshold": "0",
        # The level is that of the stream, not of the bitrate below.
        "level": level_of(params.size, params.fps, kbps_of_level),
    }
    if params.cabac:
        options["coder"] = "cabac"
    if params.crf is not None:
        return Opening(options=options | {"crf": f"{params.crf:g}"} | dict(more or {}))
    # The buffer cannot be changed live, the bitrate can, and libx264 makes the buffer as large as
    # one picture at least. So it is opened with no buffer, and the bitrate that it is told before
    # each picture is the size of that picture (`set_target`). Measured at 1080p: an IDR that is
    # told 16 to 400 kB has 0.90 to 0.94 of it, a change of scene 0.80 to 0.90, never more.
    # maxrate equal to the bitrate at opening is what makes it CBR, and only a context opened as CBR
    # follows later changes of its bitrate.
    kbps = params.buffer_kbit * params.fps
    options |= {"maxrate": f"{kbps}k", "bufsize": "1k"}
    return Opening(kbps, params.qmin, options=options | dict(more or {}))
