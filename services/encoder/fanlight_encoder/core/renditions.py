"""What sets the renditions of a desk apart: how small, how often, at most at which rate.

Pure.
"""

from dataclasses import dataclass

from fanlight_common.core.names import Rendition


@dataclass(frozen=True, slots=True)
class RenditionProfile:
    """Width and height are divided by `divisor`, pictures a second by `fps_divisor`."""

    divisor: int = 1
    fps_divisor: int = 1
    patches: bool = True
    """Whether what little changes goes out as patches."""


PROFILES = {
    Rendition.HIGH: RenditionProfile(),
    Rendition.HALF: RenditionProfile(divisor=2),
    Rendition.LOW: RenditionProfile(divisor=3, fps_divisor=2),
    Rendition.KEYFRAMES: RenditionProfile(patches=False),
}
