"""Rectangles of pixels: the one set of helpers that every package uses. Pure."""

from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle of pixels: its left, top, width and height.

    It is a tuple because there are more of these than of anything else.
    """

    x: int
    y: int
    width: int
    height: int
