"""Builds the units of one stream: a patch if that pays, otherwise video.

Lives on whatever thread calls, one call at a time. Owns what viewers have: the shadow, and the
ledger of how sharp they see it. Drops frames that were overwritten while they were read. The caller
decides when a unit is built, and what the link allows.
"""

import dataclasses
import time
from dataclasses import dataclass

from fanlight_common.core.errors import FrameLostError
from fanlight_common.core.geometry import Rect, Size, area, at_most
from fanlight_common.core.sharpness import SharpnessLedger
from fanlight_common.patching.images import Effort
from fanlight_common.patching.pixels import Pixels, from_buffer
from fanlight_common.protocol import patch
from fanlight_common.protocol.binary import VideoUnit
from fanlight_common.protocol.frames import Frame, damage_since
from fanlight_encoder import metrics
from fanlight_encoder.core.unit_kinds import (
    DEFAULT_LIMITS,
    MOST_PATCHED_PX,
    BuiltUnit,
    UnitKind,
    UnitLimits,
)
from fanlight_encoder.units.patcher import Patcher
from fanlight_encoder.units.pipeline import FrameSource, Pipeline
from fanlight_encoder.units.shadow import Shadow

_KBIT_BYTES = 125
_SMALL_PX = 4_000
_SMALL_RECTS = 4
"""Damage of at most so many pixels and rectangles is compared, and becomes a patch, in 0.5 to 1 ms
with cold caches."""
_MOST_PAINTED = 0.8
"""If areas are a larger share of the desk, a browser paints all of it as quickly."""
_MOST_IN_PLACES = 12
"""After so many deltas in a row that are painted only in areas, one is painted everywhere, because
the places that do not change get sharper, too."""


@dataclass(frozen=True, slots=True)
class UnitAllowance:
    """What the link allows the next unit."""

    kbps: int
    unit_bytes: int
    limits: UnitLimits = DEFAULT_LIMITS

    @property
    def patch_bytes(self) -> int:
        """The most bytes of a patch."""
        return min(self.limits.patch_bytes, self._carried(self.limits.patch_s))

    @property
    def refine_bytes(self) -> int:
        """The most bytes of a refinement."""
        return min(self.limits.refine_bytes, self._carried(self.limits.refine_s))

    def delta_bytes(self, *, again: bool) -> int:
        """Return the most bytes of a delta. It is less if the picture is not new: that can wait."""
        limits = self.limits
        return min(self.unit_bytes, self._carried(limits.refine_s if again else limits.delta_s))

    @property
    def effort(self) -> Effort:
        """How hard to compress images."""
        return Effort.SMALL if self.kbps < self.limits.small_effort_kbps else Effort.FAST

    def _carried(self, seconds: float) -> int:
        return int(seconds * self.kbps * _KBIT_BYTES)


class UnitBuilder:
    """Builds units from frames. Changes the pipeline's picture, and closes nothing."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        patches: bool,
        limits: UnitLimits = DEFAULT_LIMITS,
    ) -> None:
        self.pipeline = pipeline
        self._patches = patches
        self._limits = limits
        self._patcher = Patcher(limits)
        self._shadow = Shadow(Size(1, 1))
        self._ledger = SharpnessLedger(Size(1, 1))
        self._frame: Frame | None = None
        """The newest frame that became a unit."""
        self._patched = False
        """The shadow has the last picture, and the pipeline has an older one."""
        self._pictures_blurry = True
        """In the last video pictures were so blurry that an image of them is worth its bytes."""
        self._in_places = 0
        """The number of deltas since the last one that was painted everywhere."""
        self._refused: Frame | None = None
        """The frame of which a small patch was tried and did not pay."""

    @property
    def size(self) -> Size:
        """The desk's size."""
        return self._shadow.size

    def small(
        self, source: FrameSource, frame: Frame, allowance: UnitAllowance
    ) -> BuiltUnit | None:
        """Return a patch of a new frame, in less than a millisecond. None means: call `fresh`.

        Raises FrameLostError. The next unit is video then.
        """
        damage = self._damage(frame)
        small = len(damage) <= _SMALL_RECTS and area(damage) <= _SMALL_PX
        if not small or not self._can_patch(frame, damage):
            return None
        unit = self._patch(source, frame, damage, allowance)
        if unit is None:
            self._refused = frame
        return unit

    def fresh(
        self,
        source: FrameSource,
        frame: Frame,
        allowance: UnitAllowance,
        *,
        idr: bool,
        may_patch: bool,
    ) -> BuiltUnit:
        """Return the unit of a new frame.

        Raises FrameLostError or CodecError. There is no unit then, and the shadow counts as behind
        in every place in which it may differ from what viewers have.
        """
        damage = self._damage(frame)
        tried = may_patch and not idr and self._can_patch(frame, damage)
        refused, self._refused = frame is self._refused, None
        if tried and not refused:
            unit = self._patch(source, frame, damage, allowance)
            if unit is not None:
                return unit
        calm = area(damage) <= MOST_PATCHED_PX
        self.pipeline.load(source, frame)
        self._patched = False
        if self._patches:
            if self._shadow.size != (size := Size(frame.width, frame.height)):
                self._shadow, self._ledger = Shadow(size), SharpnessLedger(size)
            self._shadow.fall_behind(damage)
        self._frame = frame
        unit = self._video(allowance, idr=idr, calm=calm, refused=tried)
        return dataclasses.replace(unit, areas=self._areas(unit, damage, frame))

    def again(self, source: FrameSource, allowance: UnitAllowance, *, idr: bool) -> BuiltUnit:
        """Return the last picture as video once more. Raises CodecError.

        Brings the shadow up to date, because a patch may be next.
        """
        # A shadow with parts of two frames cannot be encoded; a newer frame is coming.
        if self._patched and self._shadow.current:
            assert self._frame is not None
            self.pipeline.load_pixels(self._shadow.buffer.data, self._frame)
            self._patched = False
        unit = self._video(allowance, idr=idr, again=True)
        self._in_places = 0
        if self._patches and not self._shadow.current:
            self._catch_up(source)
        return unit

    def refine(self, allowance: UnitAllowance) -> BuiltUnit:
        """Return a patch that makes some places sharp that viewers see blurry."""
        started = time.perf_counter()
        if not self._shadow.current:
            return BuiltUnit(UnitKind.NOTHING)
        operations = self._patcher.refine(
            self._shadow,
            self._ledger,
            allowance.refine_bytes,
            allowance.effort,
            pictures=self._pictures_blurry,
        )
        return self._unit_of(operations, started)

    def _can_patch(self, frame: Frame, damage: tuple[Rect, ...]) -> bool:
        same = self._shadow.current and self._shadow.size == Size(frame.width, frame.height)
        return self._patches and same and area(damage) <= MOST_PATCHED_PX

    def _damage(self, frame: Frame) -> tuple[Rect, ...]:
        """Return where a frame may differ from the last one.

        This is everywhere if too many frames lie between them. To compare a whole 1080p frame takes
        0.5 ms, far less than to encode what may be a keystroke as video.
        """
        last = self._frame
        if last is not None and last.instance == frame.instance:
            damage = damage_since(frame, last.sequence)
            if damage is not None:
                return damage
        return (Rect(0, 0, frame.width, frame.height),)

    def _patch(
        self, source: FrameSource, frame: Frame, damage: tuple[Rect, ...], allowance: UnitAllowance
    ) -> BuiltUnit | None:
        started = time.perf_counter()
        try:
            operations = self._patcher.changed(
                self._shadow,
                self._ledger,
                _pixels(source, frame),
                damage,
                allowance.patch_bytes,
                allowance.effort,
            )
            source.check(frame)
        except FrameLostError:
            # The shadow may have taken pixels that were being overwritten.
            self._shadow.fall_behind(None)
            self._frame = None
            raise
        if operations is None:
            metrics.patch_seconds.labels("refused").observe(time.perf_counter() - started)
            return None
        self._frame = frame
        if operations:
            self._patched = True
        return self._unit_of(operations, started)

    def _unit_of(self, operations: list[patch.Operation], started: float) -> BuiltUnit:
        blurry = self._ledger.blurry
        if not operations:
            return BuiltUnit(UnitKind.NOTHING, blurry=blurry)
        payload = patch.encode(operations)
        metrics.patch_seconds.labels("built").observe(time.perf_counter() - started)
        return BuiltUnit(UnitKind.PATCH, payload, blurry=blurry)

    def _video(
        self,
        allowance: UnitAllowance,
        *,
        idr: bool,
        again: bool = False,
        calm: bool = False,
        refused: bool = False,
    ) -> BuiltUnit:
        unit_bytes = allowance.unit_bytes
        if self._patches and not idr:
            # The delta may be smaller, because patches will make sharp what it leaves blurry.
            unit_bytes = allowance.delta_bytes(again=again)
        encoded = self.pipeline.encode(allowance.kbps, unit_bytes, idr=idr)
        if self._patches:
            self._ledger.blur()
        self._pictures_blurry = self._scaled() or not encoded.sharp
        kind = UnitKind.IDR if encoded.idr else UnitKind.DELTA
        return BuiltUnit(kind, encoded.payload, calm, refused, blurry=self._patches)

    def _areas(self, unit: BuiltUnit, damage: tuple[Rect, ...], frame: Frame) -> tuple[Rect, ...]:
        """Return the areas in which viewers paint a unit of video. Empty means everywhere."""
        size = Size(frame.width, frame.height)
        if unit.kind is UnitKind.DELTA and self.pipeline.seen == size:
            areas = at_most(VideoUnit.MAX_AREAS, damage)
            few = 0 < area(areas) <= _MOST_PAINTED * size.width * size.height
            if few and self._in_places < _MOST_IN_PLACES:
                self._in_places += 1
                return tuple(areas)
        self._in_places = 0
        return ()

    def _scaled(self) -> bool:
        return self.pipeline.seen != self._shadow.size

    def _catch_up(self, source: FrameSource) -> None:
        frame = self._frame
        if frame is None:
            return
        try:
            self._shadow.catch_up(_pixels(source, frame))
            source.check(frame)
        except FrameLostError:
            # A newer frame is coming, and will be video.
            self._shadow.fall_behind(None)
        else:
            self._shadow.caught_up()


def _pixels(source: FrameSource, frame: Frame) -> Pixels:
    return from_buffer(source.pixels(frame), frame.width, frame.height, frame.stride)
