"""What each codec is told, and why.

Pure. Every codec here gives one unit for one picture at once: no B-frames, no lookahead, no
reordering; IDRs only where they are forced; no SPS/PPS aside, so that they stand in each IDR.
"""

from dataclasses import dataclass

from fanlight_encoder.geometry import Size
from fanlight_encoder.schedule import KEYFRAME_INTERVAL_S
from fanlight_encoder.settings import EncoderSettings

ENDLESS_GOP = 2**31 - 1
LIVE_BITRATE = frozenset({"libx264", "h264_nvenc"})
"""libavcodec takes a new bitrate on the fly in these; VA-API wants to be opened anew."""
KEYFRAMES_PRESET = "veryfast"
"""At one picture a second its 10 ms more cost nothing, and give 2 dB more at the same size."""


@dataclass(frozen=True, slots=True)
class CodecParams:
    """How a stream is to be encoded. `size` is the coded one."""

    size: Size
    fps: int
    preset: str
    bitrate_kbps: int
    buffer_kbit: int
    qmin: int
    crf: float | None
    threads: int


def settled_qp(settings: EncoderSettings) -> float:
    """At this average quantiser a picture is as good as it gets.

    One above the floor, because the average is over the picture and rounded. With CRF nothing gets
    better by encoding it again.
    """
    return 51 if settings.crf is not None else settings.qmin + 1


def params_for(settings: EncoderSettings, size: Size, *, keyframes_only: bool) -> CodecParams:
    """A rendition's parameters by the settings."""
    if keyframes_only:
        # The buffer is one picture: with more, the first is large and the others pay for it.
        fps, preset, kbps = (
            round(1 / KEYFRAME_INTERVAL_S),
            KEYFRAMES_PRESET,
            settings.keyframes_kbps,
        )
        buffer_kbit = round(kbps * KEYFRAME_INTERVAL_S)
    else:
        fps, preset, kbps = settings.max_fps, settings.preset, settings.bitrate_kbps
        # Less than two pictures' worth and rate control has nothing to shift.
        buffer_kbit = max(kbps * settings.buffer_ms // 1000, 2 * kbps // fps)
    return CodecParams(
        size, fps, preset, kbps, buffer_kbit, settings.qmin, settings.crf, settings.threads
    )


def options_for(codec: str, params: CodecParams) -> dict[str, str]:
    """The codec's own options."""
    # maxrate equal to the bitrate at opening is what makes it CBR, and only a context opened as CBR
    # follows later changes of its bitrate.
    rate = {"maxrate": f"{params.bitrate_kbps}k", "bufsize": f"{params.buffer_kbit}k"}
    if codec == "libx264":
        own = {
            "preset": params.preset,
            "tune": "zerolatency",
            "forced-idr": "1",
            # Presets above ultrafast would make IDRs of their own where the picture changes.
            "sc_threshold": "0",
        }
        if params.crf is not None:
            return own | {"crf": f"{params.crf:g}"}
        return own | rate
    if codec == "h264_nvenc":
        # Baseline, because a decoder then knows without being told that nothing is reordered.
        return rate | {
            "preset": "p3",
            "tune": "ull",
            "profile": "baseline",
            "rc": "cbr",
            "zerolatency": "1",
            "delay": "0",
            "forced-idr": "1",
            "no-scenecut": "1",
        }
    # h264_vaapi. One picture in flight, and no packed headers left out of the IDRs.
    return rate | {"profile": "constrained_baseline", "rc_mode": "CBR", "async_depth": "1"}
