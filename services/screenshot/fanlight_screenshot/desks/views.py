"""What clients have on their canvases, by entity tag, and which client has which view.

Lives on the worker's loop; no I/O. A view is a frame and how sharp its tiles are. Clients with the
same history have the same view, and its tag says so. It drops the views and clients that were used
longest ago. A client whose view was dropped gets a whole picture.
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from fanlight_common.core.budget import Budget
from fanlight_common.core.geometry import Size
from fanlight_common.core.sharpness import SharpnessLedger
from fanlight_common.protocol import frames

KEEP = 256
"""As many views, and as many clients, of one desk are kept."""
_TAGS_MAX = 8


@dataclass(frozen=True, slots=True)
class View:
    """What is on a canvas."""

    tag: str
    instance: int
    sequence: int
    size: Size
    ledger: SharpnessLedger
    """Nobody changes it any more."""

    def shows(self, frame: frames.Frame) -> bool:
        """Return whether the view is of this frame, however sharp."""
        return (self.instance, self.sequence) == (frame.instance, frame.sequence)

    def leads_to(self, frame: frames.Frame) -> bool:
        """Return whether a patch can turn the view into this frame."""
        return (self.instance, self.size) == (frame.instance, Size(frame.width, frame.height))


def view_of(frame: frames.Frame, ledger: SharpnessLedger) -> View:
    """Return the view of a client that has painted `frame`."""
    states = ledger.states
    name = hashlib.blake2b(states, digest_size=6).hexdigest() if any(states) else "0"
    tag = f'"d{frame.instance:x}-{frame.sequence:x}-{name}"'
    return View(tag, frame.instance, frame.sequence, Size(frame.width, frame.height), ledger)


def new_link() -> Budget:
    """Return the budget of a link of unknown rate: nothing is sent while the link is busy."""
    return Budget(kbps=1, depth_s=0)


@dataclass(slots=True)
class ScreenshotClient:
    """A client. Its requests are answered one after the other, each from the one before."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    view: View | None = None
    """What the client has once all answers have come."""
    link: Budget = field(default_factory=new_link)
    not_before_s: float = 0
    """When the least interval between two answers ends; seconds of the process's clock."""

    @property
    def free_at_s(self) -> float:
        """Return when the next answer may be sent. The link is busy until then."""
        return max(self.link.ready_at(0), self.not_before_s)

    def answered(self, size_bytes: int, rate: float, least_s: float, now_s: float) -> None:
        """Note that an answer of this size goes out over a link of `rate` bytes a second."""
        self.link.set_rate(rate / 125, now_s)
        self.link.spend(size_bytes, now_s)
        self.not_before_s = now_s + least_s


class Views:
    """The views and clients of one desk, `keep` of each."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._views: OrderedDict[str, View] = OrderedDict()
        self._clients: OrderedDict[str, ScreenshotClient] = OrderedDict()

    def add(self, view: View) -> None:
        """Remember a view that a client has now."""
        self._views[view.tag] = view
        self._views.move_to_end(view.tag)
        if len(self._views) > self._keep:
            self._views.popitem(last=False)

    def find(self, tags: str | None) -> View | None:
        """Return the first known view of the tags in an If-None-Match, None if none is known."""
        for tag in (tags or "").split(",")[:_TAGS_MAX]:
            view = self._views.get(tag.strip().removeprefix("W/"))
            if view is not None:
                self._views.move_to_end(view.tag)
                return view
        return None

    def client(self, name: str) -> ScreenshotClient:
        """Return the client of that name; a new client if the name is empty."""
        if not name:
            return ScreenshotClient()
        client = self._clients.setdefault(name, ScreenshotClient())
        self._clients.move_to_end(name)
        if len(self._clients) > self._keep:
            self._clients.popitem(last=False)
        return client
