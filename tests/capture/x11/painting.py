"""Drawing on the root window of an X server, and finding in frames what was drawn."""

from typing import Any

import xcffib
import xcffib.randr
import xcffib.xproto

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol import frames
from tests.capture.conftest import Capture, Frames, XServer

RED, BLUE = 0xE01030, 0x1040E0


class Painter:
    """Draws rectangles on the root window."""

    def __init__(self, server: XServer) -> None:
        self.raw: Any = xcffib.connect(display=server.display)
        self.root = self.raw.get_setup().roots[0].root
        self.gc = self.raw.generate_id()
        mode = xcffib.xproto.SubwindowMode.IncludeInferiors
        self.raw.core.CreateGC(self.gc, self.root, xcffib.xproto.GC.SubwindowMode, [mode])

    def fill(self, colour: int, r: Rect) -> None:
        self.raw.core.ChangeGC(self.gc, xcffib.xproto.GC.Foreground, [colour])
        shape = xcffib.xproto.RECTANGLE.synthetic(r.x, r.y, r.width, r.height)
        self.raw.core.PolyFillRectangle(self.root, self.gc, 1, [shape])
        self.raw.core.GetInputFocus().reply()

    def resize(self, width: int, height: int) -> None:
        randr = self.raw(xcffib.randr.key)
        randr.QueryVersion(1, 3).reply()
        # A screen cannot become smaller than what a monitor shows of it, so the monitor goes off.
        resources = randr.GetScreenResources(self.root).reply()
        for crtc in resources.crtcs:
            randr.SetCrtcConfig(crtc, 0, resources.config_timestamp, 0, 0, 0, 1, 0, []).reply()
        randr.SetScreenSize(self.root, width, height, 100, 100, is_checked=True).check()
        self.raw.core.GetInputFocus().reply()

    def close(self) -> None:
        self.raw.disconnect()


def pixel(data: bytes, frame: frames.Frame, x: int, y: int) -> int:
    at = y * frame.stride + 4 * x
    return int.from_bytes(data[at : at + 3], "little")


async def frame_with(feed: Frames, colour: int, x: int, y: int) -> tuple[frames.Frame, bytes]:
    while True:
        frame = await feed.next()
        data = feed.pixels(frame)
        if pixel(data, frame, x, y) == colour:
            return frame, data


async def quiet(capture: Capture, feed: Frames) -> frames.Frame:
    """Wait until no frame comes for 0.1 s; return the newest one."""
    frame = await feed.next()
    while not await feed.none_within(0.1):
        frame = await feed.next()
    return frame
