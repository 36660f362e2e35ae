"""A desk to draw on, and the road from there to a viewer without sockets: schedule, maker, model.

The clock is virtual; encoding is real and takes no time of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from fanlight_common.core.budget import Budget
from fanlight_common.core.geometry import Rect
from fanlight_common.core.names import split_stream
from fanlight_common.protocol.frames import Frame
from fanlight_encoder.codecs.options import buffer_s, fps_of, least_bytes
from fanlight_encoder.core.idr_policy import IdrPolicy
from fanlight_encoder.core.motion import Motion
from fanlight_encoder.core.pacer import Pacer
from fanlight_encoder.core.room import RoomPolicy
from fanlight_encoder.core.schedule import Refine, Schedule, Wait
from fanlight_encoder.core.unit_kinds import Kind, Made
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.builder import Aim, Maker
from fanlight_encoder.units.pipeline import Pipeline
from tests.encoder.fakes import no_hardware
from tests.encoder.pictures import Pixels
from tests.encoder.viewer import Viewer


class Desk:
    """Pixels and what was damaged. It is its own source of frames: the last 8 are kept."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels: Pixels = np.zeros((height, width, 4), np.uint8)
        self._sequence = 0
        self._entries: list[tuple[Rect, ...]] = []

    def grab(self, *damage: Rect) -> Frame:
        """The picture as it is, of which this has changed."""
        height, width, _ = self.pixels.shape
        self._sequence += 1
        if self._sequence > 1:
            self._entries = [damage, *self._entries][:8]
        content = memoryview(self.pixels.tobytes())
        return Frame(
            width,
            height,
            4 * width,
            1,
            self._sequence,
            self._sequence,
            self._sequence,
            tuple(self._entries),
            None,
            content,
        )


class Source:
    """What a feed is to the maker."""

    def pixels(self, frame: Frame) -> memoryview:
        assert frame.pixels is not None
        return frame.pixels

    def check(self, frame: Frame) -> None:
        pass


@dataclass
class Sent:
    """One unit, when, and how it came about."""

    at: float
    kind: Kind
    size_bytes: int
    fresh: bool
    refined: bool
    areas: tuple[Rect, ...]


@dataclass
class Road:
    """`show` a frame, `run` until a moment. `viewer` sees what comes, unless there is none."""

    stream: str = "main/high"
    kbps: int = 16_000
    settings: EncoderSettings = field(default_factory=EncoderSettings)
    viewer: Viewer | None = None

    def __post_init__(self) -> None:
        rendition = split_stream(self.stream)[1]
        settings = self.settings
        self.pipeline = Pipeline(self.stream, settings, "libx264", no_hardware)
        self.maker = Maker(
            self.stream, self.pipeline, patches=settings.patches, limits=settings.unit_limits
        )
        self.schedule = Schedule(
            idr=IdrPolicy(settings.idr_interval_ms / 1000),
            room=RoomPolicy(3.0),
            budget=Budget(self.kbps, buffer_s(settings, rendition)),
            motion=Motion(settings.repeat_interval_ms / 1000, patches=settings.patches),
            pacer=Pacer(fps_of(settings, rendition)),
            limits=settings.unit_limits,
        )
        self.now = 100.0
        self.sent: list[Sent] = []
        self._newest: Frame | None = None

    def show(self, frame: Frame) -> None:
        """It was captured now."""
        self._newest = frame
        self.schedule.frame_came()

    def run(self, until: float) -> None:
        """Make what has to be made up to then."""
        for _ in self.steps(until):
            pass

    def steps(self, until: float) -> Iterator[Made]:
        """The same, one unit at a time."""
        while True:
            decision = self.schedule.next(self.now)
            if isinstance(decision, Wait):
                if decision.until is None or decision.until > until:
                    break
                self.now = max(decision.until, self.now + 1e-6)
                continue
            self.schedule.begin(decision)
            budget = self.schedule.budget
            available = budget.available_bytes(self.now)
            least = max(available, self.schedule.least_bytes)
            aim = Aim(budget.kbps, least, self.settings.unit_limits)
            fresh = False
            if isinstance(decision, Refine):
                made = self.maker.refine(aim)
            elif decision.fresh:
                frame, self._newest = self._newest, None
                assert frame is not None
                fresh = True
                made = self.maker.fresh(
                    Source(), frame, aim, idr=decision.idr, may_patch=decision.may_patch
                )
            else:
                made = self.maker.again(Source(), aim, idr=decision.idr)
            if made.kind in (Kind.IDR, Kind.DELTA):
                self.schedule.least_bytes = least_bytes(self.pipeline.seen)
            self.schedule.made(decision, made, self.now)
            size = len(made.payload)
            refined = isinstance(decision, Refine)
            self.sent.append(Sent(self.now, made.kind, size, fresh, refined, made.areas))
            if self.viewer is not None and made.kind is Kind.PATCH:
                self.viewer.patch(made.payload)
            elif self.viewer is not None and made.kind is not Kind.NOTHING:
                seen = self.pipeline.seen
                self.viewer.video(made.payload, seen.width, seen.height, made.areas)
            yield made
        self.now = max(self.now, until)
