"""What each codec is told, and why.

Pure. Every codec here gives one unit for one picture at once: no B-frames, no lookahead, no
reordering; IDRs only where they are forced; no SPS/PPS aside, so that they stand in each IDR.
"""

from dataclasses import dataclass

from fanlight_common.core.names import Rendition
from fanlight_encoder.core.h264_levels import level_of
from fanlight_encoder.core.picture_size import Size
from fanlight_encoder.core.renditions import PROFILES
from fanlight_encoder.core.schedule import KEYFRAME_INTERVAL_S
from fanlight_encoder.settings import EncoderSettings

ENDLESS_GOP = 2**31 - 1
_PX_PER_BYTE = 500
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
    cabac: bool = False
    """Also with ultrafast, which otherwise does without."""


def fps_of(settings: EncoderSettings, rendition: Rendition) -> int:
    """Most pictures a second of a rendition."""
    if rendition is Rendition.KEYFRAMES:
        return round(1 / KEYFRAME_INTERVAL_S)
    return max(1, settings.max_fps // PROFILES[rendition].fps_divisor)


def ceiling_kbps(settings: EncoderSettings, rendition: Rendition) -> int:
    """The rate of a rendition where no gateway says less."""
    return {
        Rendition.HIGH: settings.bitrate_kbps,
        Rendition.HALF: min(settings.half_kbps, settings.bitrate_kbps),
        Rendition.LOW: min(settings.low_kbps, settings.bitrate_kbps),
        Rendition.KEYFRAMES: settings.keyframes_kbps,
    }[rendition]


def preset_of(settings: EncoderSettings, rendition: Rendition) -> str:
    """Whose link is thin, or whose pictures are few, gets more out of each byte: decision 19."""
    return {
        Rendition.HIGH: settings.preset,
        Rendition.HALF: settings.small_preset,
        Rendition.LOW: settings.small_preset,
        Rendition.KEYFRAMES: KEYFRAMES_PRESET,
    }[rendition]


def buffer_s(settings: EncoderSettings, rendition: Rendition) -> float:
    """How far ahead of its rate a unit may get."""
    if rendition is Rendition.KEYFRAMES:
        return KEYFRAME_INTERVAL_S
    # Less than two pictures' worth and there is nothing to shift.
    return max(settings.buffer_ms / 1000, 2 / fps_of(settings, rendition))


def least_bytes(seen: Size) -> int:
    """With less, a picture of moving content is not worth sending: better fewer of them."""
    return seen.width * seen.height // _PX_PER_BYTE


def params_for(settings: EncoderSettings, size: Size, rendition: Rendition) -> CodecParams:
    """A rendition's parameters by the settings."""
    kbps = ceiling_kbps(settings, rendition)
    return CodecParams(
        size,
        fps_of(settings, rendition),
        preset_of(settings, rendition),
        kbps,
        round(kbps * buffer_s(settings, rendition)),
        settings.qmin,
        settings.crf,
        settings.threads,
        settings.cabac,
    )


def opening_kbps(codec: str, params: CodecParams) -> int:
    """The rate that a codec is opened with: the most that it will ever be told."""
    return params.buffer_kbit * params.fps if codec == "libx264" else params.bitrate_kbps


def options_for(codec: str, params: CodecParams) -> dict[str, str]:
    """The codec's own options."""
    # maxrate equal to the bitrate at opening is what makes it CBR, and only a context opened as CBR
    # follows later changes of its bitrate.
    rate = {"maxrate": f"{opening_kbps(codec, params)}k", "bufsize": f"{params.buffer_kbit}k"}
    if codec == "libx264":
        # The buffer cannot be changed live, the bitrate can, and libx264 makes the buffer as large
        # as one picture at least. So it is opened with none, and the bitrate that it is told before
        # each picture is the size of that picture (`set_target`). Measured at 1080p: an IDR of
        # 16 to 400 kB told has 0.90 to 0.94 of it, a change of scene 0.80 to 0.90, never more.
        rate["bufsize"] = "1k"
        own = {
            "preset": params.preset,
            "tune": "zerolatency",
            "forced-idr": "1",
            # Presets above ultrafast would make IDRs of their own where the picture changes.
            "sc_threshold": "0",
            "level": level_of(
                params.size, params.fps, params.bitrate_kbps if params.crf is None else 0
            ),
        }
        if params.cabac:
            own["coder"] = "cabac"
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
