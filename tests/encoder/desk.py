"""A desk to draw on, and everything between it and a viewer, without sockets.

Schedule, builder, codec and viewer are real. The clock is virtual, and stands still while a picture
is encoded.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fanlight_common.core.geometry import Rect
from fanlight_common.core.names import split_stream
from fanlight_common.protocol.frames import Frame
from fanlight_encoder.codecs.base import Codec
from fanlight_encoder.codecs.x264 import X264
from fanlight_encoder.core.renditions import StreamParams, least_bytes
from fanlight_encoder.core.schedule import Refine, Schedule, Wait
from fanlight_encoder.core.unit_kinds import BuiltUnit, UnitKind
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.builder import UnitAllowance, UnitBuilder
from fanlight_encoder.units.pipeline import Pipeline
from tests.encoder.pictures import Pixels
from tests.encoder.viewer import Viewer


class Desk:
    """A desk's pixels, and the damage of its last 8 frames."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels: Pixels = np.zeros((height, width, 4), np.uint8)
        self._sequence = 0
        self._entries: list[tuple[Rect, ...]] = []

    def grab(self, *damage: Rect) -> Frame:
        """Return a frame of the desk as it is; `damage` is what has changed since the last one."""
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
    """The part of a frame feed that the builder uses."""

    def pixels(self, frame: Frame) -> memoryview:
        assert frame.pixels is not None
        return frame.pixels

    def check(self, frame: Frame) -> None:
        pass


@dataclass
class Sent:
    """One unit: when it was sent, and how it was made."""

    at: float
    kind: UnitKind
    size_bytes: int
    fresh: bool
    refined: bool
    areas: tuple[Rect, ...]


@dataclass
class Road:
    """Sends the frames that it is shown to `viewer`, if there is one, in virtual time."""

    stream: str = "main/high"
    kbps: int = 16_000
    params: StreamParams | None = None
    """None means those that follow from the default settings."""
    viewer: Viewer | None = None
    codec: Codec = X264

    def __post_init__(self) -> None:
        params = self.params
        if params is None:
            params = EncoderSettings().stream_params(split_stream(self.stream)[1])
        self._limits = params.limits
        self.pipeline = Pipeline(self.stream, params, self.codec, self.codec)
        self.builder = UnitBuilder(self.pipeline, patches=params.patches, limits=params.limits)
        self.schedule = Schedule.for_stream(params, kbps=self.kbps)
        self.now = 100.0
        self.sent: list[Sent] = []
        self._newest: Frame | None = None

    def show(self, frame: Frame) -> None:
        """Take a frame that was captured now."""
        self._newest = frame
        self.schedule.frame_came()

    def run(self, until: float) -> None:
        """Let time pass until then, and send what is due."""
        for _ in self.steps(until):
            pass

    def steps(self, until: float) -> Iterator[BuiltUnit]:
        """Do as `run` does, but yield after each unit."""
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
            allowance = UnitAllowance(budget.kbps, least, self._limits)
            fresh = False
            if isinstance(decision, Refine):
                made = self.builder.refine(allowance)
            elif decision.fresh:
                frame, self._newest = self._newest, None
                assert frame is not None
                fresh = True
                made = self.builder.fresh(
                    Source(), frame, allowance, idr=decision.idr, may_patch=decision.may_patch
                )
            else:
                made = self.builder.again(Source(), allowance, idr=decision.idr)
            if made.kind in (UnitKind.IDR, UnitKind.DELTA):
                limited = self.pipeline.codec.capabilities.unit_limit
                self.schedule.least_bytes = least_bytes(self.pipeline.seen) if limited else 0
            self.schedule.unit_built(decision, made, self.now)
            size = len(made.payload)
            refined = isinstance(decision, Refine)
            self.sent.append(Sent(self.now, made.kind, size, fresh, refined, made.areas))
            if self.viewer is not None and made.kind is UnitKind.PATCH:
                self.viewer.patch(made.payload)
            elif self.viewer is not None and made.kind is not UnitKind.NOTHING:
                seen = self.pipeline.seen
                self.viewer.video(made.payload, seen.width, seen.height, made.areas)
            yield made
        self.now = max(self.now, until)
