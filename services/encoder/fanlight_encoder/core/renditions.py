"""How the renditions of a desk differ, and how a stream of one of them is made.

Pure; owns constants and drops nothing. `StreamParams` is all that the modules of one stream get:
what an operator has set (see `settings`), and the constants beside it. A test or a bench that needs
another constant replaces the field: `dataclasses.replace(params, repeat_interval_s=1.0)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition
from fanlight_encoder.core.motion import REPEAT_INTERVAL_S
from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS, UnitLimits

KEYFRAME_INTERVAL_S = 1.0
"""Seconds between two pictures of the `keyframes` rendition, whether or not anything changes."""
BUFFER_S = 0.1
"""How many seconds of the present rate one unit may take: this bounds the size of an IDR. At
16 Mbit/s a full screen of small text cannot be read in an IDR of 50 ms (82 kB), and can be read in
one of 100 ms (126 kB)."""
SMALL_PRESET = "superfast"
"""`half` and `low` are for thin links and have few pixels: superfast takes 0.4 to 1 ms more a
picture than ultrafast, and looks better at the same rate (decision 19)."""
KEYFRAMES_PRESET = "veryfast"
"""It takes 10 ms more a picture, which cost nothing at one picture a second, and gives 2 dB more at
the same size."""
KEYFRAMES_KBPS = 2000
"""`keyframes` makes one picture a second, so this is also the size of one: at most 250 kB."""
_PX_PER_BYTE = 500


@dataclass(frozen=True, slots=True)
class RenditionProfile:
    """Width and height are divided by `divisor`, pictures a second by `fps_divisor`."""

    divisor: int = 1
    fps_divisor: int = 1
    preset: str | None = None
    """libx264's preset. None means the one in the settings."""
    patches: bool = True
    """Whether small changes are sent as patches."""


PROFILES: Mapping[Rendition, RenditionProfile] = {
    Rendition.HIGH: RenditionProfile(),
    Rendition.HALF: RenditionProfile(divisor=2, preset=SMALL_PRESET),
    Rendition.LOW: RenditionProfile(divisor=3, fps_divisor=2, preset=SMALL_PRESET),
    Rendition.KEYFRAMES: RenditionProfile(preset=KEYFRAMES_PRESET, patches=False),
}


@dataclass(frozen=True, slots=True)
class StreamParams:
    """How one stream is made. The fields that have no default come from the settings."""

    max_size: Size
    """A larger desk is scaled down to it, and then divided by `divisor`."""
    fps: int
    """The most pictures a second."""
    kbps: int
    """The ceiling of its rate; gateways may ask for less."""
    preset: str
    qmin: int
    threads: int
    """Threads of the codec. 0 means one for each core."""
    divisor: int = 1
    patches: bool = True
    keyframes_only: bool = False
    buffer_s: float = BUFFER_S
    repeat_interval_s: float = REPEAT_INTERVAL_S
    limits: UnitLimits = DEFAULT_LIMITS
    cabac: bool = False
    """libx264's better entropy coding with ultrafast too (the other presets have it). Motion looks
    better at the same rate, for 0.7 ms a 1080p picture at 2 Mbit/s and 1.5 ms at 8 Mbit/s, and for
    nearly as much again in a decoder without a GPU (decision 19)."""
    crf: float | None = None
    """Constant quality instead of `kbps`, `buffer_s` and `qmin`, which then do nothing. 23 with a
    `gop` of 30 gives the settings of the cloud-gaming write-up."""
    gop: int = 0
    """An IDR comes at least every `gop` units. 0 means only when one is asked for."""

    @property
    def budget_depth_s(self) -> float:
        """How many seconds of its rate a unit of this stream may take."""
        if self.keyframes_only:
            return KEYFRAME_INTERVAL_S
        # With less than two pictures' worth, no picture could borrow from the next one.
        return max(self.buffer_s, 2 / self.fps)


def fps_of(rendition: Rendition, max_fps: int) -> int:
    """Return the most pictures a second of a rendition."""
    if rendition is Rendition.KEYFRAMES:
        return round(1 / KEYFRAME_INTERVAL_S)
    return max(1, max_fps // PROFILES[rendition].fps_divisor)


def least_bytes(seen: Size) -> int:
    """Return the least bytes with which a picture of moving content is worth sending.

    With fewer bytes a picture, fewer pictures a second look better. It is for codecs that can be
    told the size of a unit.
    """
    return seen.width * seen.height // _PX_PER_BYTE
