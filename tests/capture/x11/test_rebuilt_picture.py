"""A picture that is rebuilt from damage equals the screen, pixel by pixel, whatever is drawn.

There are thousands of random drawings on a real X server, and a consumer takes some of the frames
and misses others. Whenever the desk does not change, three pictures are compared: the slot, into
which only damaged rows were grabbed; the consumer's own picture, into which only damaged rectangles
were copied; and a full GetImage on another connection.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
import xcffib.xproto as xp

from fanlight_capture import metrics
from fanlight_capture.core.demand import Demand
from fanlight_capture.frame_loop import FrameLoop
from fanlight_capture.x11.connection import X11Connection, connect
from fanlight_capture.x11.source import open_x11
from fanlight_common.bus.ring import RingReader
from fanlight_common.core.errors import FrameLostError, SourceLostError
from fanlight_common.core.geometry import Rect
from fanlight_common.patching.pixels import Pixels, from_buffer
from fanlight_common.process import clock
from fanlight_common.protocol import frames, topics
from fanlight_common.protocol.topics import Lane
from tests.capture.conftest import TIMEOUT_S, XServer
from tests.metrics import count

pytestmark = pytest.mark.x11

WIDTH, HEIGHT = 200, 700
"""High, so that there is room for several bands of rows."""
ROUNDS = 1500
FRAME = topics.frame("main", Lane.SHM)
SCREENSHOT = topics.screenshot("main", Lane.SHM)


class Artist:
    """Draws at random, on a connection of its own."""

    def __init__(self, connection: X11Connection, rng: random.Random) -> None:
        self.drawn = 0
        self._x = connection
        self._core = connection.raw.core
        self._rng = rng
        self._windows: list[int] = []
        self._gc: int = connection.raw.generate_id()
        font: int = connection.raw.generate_id()
        self._core.OpenFont(font, len("fixed"), "fixed")
        self._core.CreateGC(
            self._gc,
            connection.root,
            xp.GC.Font | xp.GC.SubwindowMode | xp.GC.GraphicsExposures,
            [font, xp.SubwindowMode.IncludeInferiors, 0],
        )
        self._kinds: list[Callable[[], None]] = [
            *(self._fill, self._text, self._copy, self._lines, self._image),
            *(self._open, self._move, self._raise, self._close),
        ]

    def draw(self) -> None:
        """Draw something, of any kind."""
        self._core.ChangeGC(self._gc, xp.GC.Foreground, [self._colour()])
        self._rng.choice(self._kinds)()
        self.drawn += 1

    async def screen(self) -> Pixels:
        """Return the pixels of the whole screen, after everything that was drawn so far."""
        with self._x.batch():
            asked = self._x.ask(
                lambda: self._core.GetImage(2, self._x.root, 0, 0, WIDTH, HEIGHT, 0xFFFFFFFF)
            )
        reply = await asked
        return from_buffer(memoryview(reply)[32:], WIDTH, HEIGHT, 4 * WIDTH)

    def _colour(self) -> int:
        return self._rng.randrange(1 << 24)

    def _place(self) -> tuple[int, int, int, int]:
        """Return x, y, width and height of a place, mostly small and perhaps partly outside."""
        side = 300 if self._rng.random() < 0.1 else 30
        x, y = self._rng.randrange(-20, WIDTH), self._rng.randrange(-20, HEIGHT)
        return x, y, self._rng.randrange(1, side), self._rng.randrange(1, side)

    def _fill(self) -> None:
        shape = xp.RECTANGLE.synthetic(*self._place())
        self._core.PolyFillRectangle(self._x.root, self._gc, 1, [shape])

    def _lines(self) -> None:
        ends = [xp.POINT.synthetic(*self._place()[:2]) for _ in range(3)]
        self._core.PolyLine(0, self._x.root, self._gc, len(ends), ends)

    def _text(self) -> None:
        x, y, _, _ = self._place()
        words = f"{self.drawn:x} what is written"
        self._core.ImageText8(len(words), self._x.root, self._gc, x, y, words)

    def _copy(self) -> None:
        x, y, width, height = self._place()
        to_x, to_y, _, _ = self._place()
        self._core.CopyArea(self._x.root, self._x.root, self._gc, x, y, to_x, to_y, width, height)

    def _image(self) -> None:
        x, y, _, _ = self._place()
        data = self._rng.randbytes(4 * 8 * 8)
        self._core.PutImage(2, self._x.root, self._gc, 8, 8, x, y, 0, 24, len(data), data)

    def _open(self) -> None:
        if len(self._windows) < 5:
            window = self._x.raw.generate_id()
            self._core.CreateWindow(
                *(0, window, self._x.root, *self._place(), 0, 1, 0, 2, [self._colour()])
            )
            self._core.MapWindow(window)
            self._windows.append(window)

    def _move(self) -> None:
        if self._windows:
            both = xp.ConfigWindow.X | xp.ConfigWindow.Y
            x, y, _, _ = self._place()
            self._core.ConfigureWindow(self._rng.choice(self._windows), both, [x & 127, y & 511])

    def _raise(self) -> None:
        if self._windows:
            mode = self._rng.choice([xp.StackMode.Above, xp.StackMode.Below])
            window = self._rng.choice(self._windows)
            self._core.ConfigureWindow(window, xp.ConfigWindow.StackMode, [mode])

    def _close(self) -> None:
        if self._windows and self._rng.random() < 0.5:
            window = self._windows.pop(self._rng.randrange(len(self._windows)))
            self._core.DestroyWindow(window)


class Consumer:
    """Takes some frames, as from a CONFLATE socket, and uses the damage of those that it missed."""

    def __init__(self) -> None:
        self.picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
        self.partial = 0
        self._seen: frames.Frame | None = None
        self._reader = RingReader()

    def slot(self, frame: frames.Frame) -> Pixels:
        """Return the frame's pixels. Raises FrameLostError."""
        assert frame.slot is not None
        view = self._reader.view(frame.slot, frame.size_bytes)
        copied = from_buffer(view, WIDTH, HEIGHT, 4 * WIDTH).copy()
        self._reader.check(frame.slot)
        return copied

    def take(self, frame: frames.Frame) -> None:
        """Bring the picture up to this frame. Raises FrameLostError."""
        whole = (Rect(0, 0, WIDTH, HEIGHT),)
        damage: tuple[Rect, ...] | None = None
        if self._seen is not None:
            damage = frames.damage_since(frame, self._seen.sequence)
            self.partial += damage is not None
        pixels = self.slot(frame)
        for rect in whole if damage is None else damage:
            place = np.s_[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
            self.picture[place] = pixels[place]
        self._seen = frame


class Studio:
    """A frame loop over a display, and the frame that it published last."""

    def __init__(self) -> None:
        self.newest: frames.Frame | None = None
        self.loop: FrameLoop | None = None
        self._arrival = asyncio.Event()

    def publish(self, message: bytes) -> None:
        topic = FRAME if message.startswith(FRAME) else SCREENSHOT
        self.newest = frames.decode(message, topic)
        self._arrival.set()

    async def settled(self) -> frames.Frame:
        """Wait for a frame that is known to be current after this call, and return it."""
        assert self.loop is not None
        asked_us = clock.now_us()
        self.loop.want([SCREENSHOT])
        async with asyncio.timeout(TIMEOUT_S):
            while self.newest is None or self.newest.current_us < asked_us:
                self._arrival.clear()
                await self._arrival.wait()
        return self.newest

    # The methods of a source's listener.

    def damaged(self) -> None:
        if self.loop is not None:
            self.loop.damaged()

    def resized(self) -> None:
        raise AssertionError("nobody resizes")

    def pointer_shape(self, shape: Any) -> None: ...

    def pointer_position(self, position: Any) -> None: ...

    def clipboard(self, text: str) -> None: ...

    def lost(self, error: SourceLostError) -> None:
        raise error


@pytest.fixture
async def studio() -> AsyncIterator[tuple[Studio, X11Connection]]:
    server = XServer(WIDTH, HEIGHT)
    studio = Studio()
    source = await open_x11(studio, server.display)
    demand = Demand([FRAME, SCREENSHOT])
    demand.update(b"\x01" + FRAME)
    studio.loop = FrameLoop("main", source, demand, studio.publish, 0.0001)
    grabbing = asyncio.ensure_future(studio.loop.run())
    connection = await connect(server.display)
    connection.start(studio.lost, TIMEOUT_S)
    yield studio, connection
    grabbing.cancel()
    await asyncio.wait({grabbing})
    connection.close()
    await source.close()
    server.close()


def _same(one: Pixels, other: Pixels) -> bool:
    """Return whether two pictures are equal. The fourth byte of a BGRX pixel means nothing."""
    return bool(np.array_equal(one[:, :, :3], other[:, :, :3]))


@pytest.mark.parametrize("seed", [1, 2])
async def test_rebuilt_from_damage_is_what_is_on_the_screen(
    seed: int, studio: tuple[Studio, X11Connection]
) -> None:
    loop, connection = studio
    rng = random.Random(seed)
    artist, consumer = Artist(connection, rng), Consumer()
    grabs, rows = count(metrics.grabs), count(metrics.grabbed_rows)
    compared = 0
    for number in range(ROUNDS):
        with connection.batch():
            for _ in range(rng.randrange(5)):
                artist.draw()
        if rng.random() < 0.3:
            # The consumer takes a frame in the middle of the drawing, and nothing is compared.
            await asyncio.sleep(0)
            if loop.newest is not None and rng.random() < 0.5:
                with contextlib.suppress(FrameLostError):
                    consumer.take(loop.newest)
            continue
        screen = await artist.screen()
        frame = await loop.settled()
        where = f"seed {seed}, round {number}, frame {frame.sequence}"
        assert _same(consumer.slot(frame), screen), f"the slot is not the screen: {where}"
        if rng.random() < 0.6:
            consumer.take(frame)
            assert _same(consumer.picture, screen), f"rebuilt is not the screen: {where}"
            compared += 1
    # There were enough drawings, comparisons and partial updates to test anything.
    assert artist.drawn > ROUNDS
    assert compared > ROUNDS / 4
    assert consumer.partial > compared / 2
    taken = count(metrics.grabs) - grabs
    assert count(metrics.grabbed_rows) - rows < 0.8 * taken * HEIGHT
