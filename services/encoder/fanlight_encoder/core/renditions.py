"""What sets the renditions of a desk apart: how small, how often, at most at which rate.

Pure.
"""

from dataclasses import dataclass

from fanlight_common.core.names import Rendition


@dataclass(frozen=True, slots=True)
class Shape:
    """Width and height are divided by `divisor`, pictures a second by `fps_divisor`."""

    divisor: int = 1
    fps_divisor: int = 1
    patches: bool = True
    """Whether what little changes goes out as patches."""


SHAPES = {
    Rendition.HIGH: Shape(),
    Rendition.HALF: Shape(divisor=2),
    Rendition.LOW: Shape(divisor=3, fps_divisor=2),
    Rendition.KEYFRAMES: Shape(patches=False),
}
