"""What clients have on their canvases, by entity tag, and who was answered with which. No I/O.

A view is a frame and the tiles of it that are coarse. Clients with the same history have the same
view, and its tag says so. Drops what was used longest ago; a client whose view was dropped gets a
whole picture.
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from fanlight_common.protocol import frames
from fanlight_screenshot.images.changes import Grid, grid_shape


@dataclass(frozen=True, slots=True)
class View:
    """One canvas."""

    tag: str
    instance: int
    sequence: int
    size: tuple[int, int]
    blur: Grid

    def shows(self, frame: frames.Frame) -> bool:
        """Is it of this frame (as sharp or not)?"""
        return (self.instance, self.sequence) == (frame.instance, frame.sequence)

    def leads_to(self, frame: frames.Frame) -> bool:
        """Can a patch turn it into this frame?"""
        size = (frame.width, frame.height)
        return (self.instance, self.size) == (frame.instance, size)


def view_of(frame: frames.Frame, blur: Grid) -> View:
    """The view of who painted `frame`."""
    size = (frame.width, frame.height)
    coarse = hashlib.blake2b(np.packbits(blur).tobytes(), digest_size=6).hexdigest()
    tag = f'"d{frame.instance:x}-{frame.sequence:x}-{coarse if blur.any() else 0}"'
    return View(tag, frame.instance, frame.sequence, size, blur)


def sharp(frame: frames.Frame) -> Grid:
    """The grid of a frame of which nothing is coarse."""
    return np.zeros(grid_shape(frame.width, frame.height), np.bool_)


@dataclass(slots=True)
class Viewer:
    """Who asks. One request of theirs is answered after the other, each from the one before."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    view: View | None = None
    """What they have once all answers have come."""
    free_us: int = 0
    """The link is busy with the last answer until then."""


class Views:
    """The views and viewers of one desk, `keep` of each."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._views: OrderedDict[str, View] = OrderedDict()
        self._viewers: OrderedDict[str, Viewer] = OrderedDict()

    def add(self, view: View) -> None:
        """Somebody has it now."""
        self._views[view.tag] = view
        self._views.move_to_end(view.tag)
        if len(self._views) > self._keep:
            self._views.popitem(last=False)

    def find(self, tags: str | None) -> View | None:
        """The first that is known of the tags in an If-None-Match."""
        for tag in (tags or "").split(",")[:8]:
            view = self._views.get(tag.strip().removeprefix("W/"))
            if view is not None:
                self._views.move_to_end(view.tag)
                return view
        return None

    def viewer(self, name: str) -> Viewer:
        """Who asks by that name; somebody new by the name of nobody."""
        if not name:
            return Viewer()
        viewer = self._viewers.setdefault(name, Viewer())
        self._viewers.move_to_end(name)
        if len(self._viewers) > self._keep:
            self._viewers.popitem(last=False)
        return viewer
