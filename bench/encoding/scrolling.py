"""Measures what finding a scroll saves the encoder.

Pages scroll through the encoder's own schedule and builder. The study compares the encoder as it
is, the encoder without the search (it tries patches, and finds no scroll), and H.264 alone, with
the motion search of the preset and with longer ones. The clock is virtual. CPU is all of the
encoder's work on a picture (comparing, converting, encoding), without drawing the desk.
"""

import contextlib
import dataclasses
import itertools
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unittest import mock

import numpy as np

from bench.encoding.contents import CONTENTS, RATE, SIZE, Shown
from bench.encoding.likeness import ssim
from bench.encoding.trial import percentile
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs.x264 import X264, X264Codec
from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS, BuiltUnit, UnitKind
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units import patcher
from tests.encoder import desk
from tests.encoder.pictures import Pixels
from tests.encoder.viewer import Viewer

OTHER_PATCHES_MS = (100, 150, 200)
REST_S = 8.0
_UMH = {"x264-params": "me=umh:merange=64"}


@dataclasses.dataclass(frozen=True)
class PatchVariant:
    """What the encoder may use."""

    name: str
    patches: bool = True
    scrolls: bool = True
    patch_s: float = DEFAULT_LIMITS.patch_s
    more: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)


VARIANTS = (
    PatchVariant("scrolls found"),
    *(
        PatchVariant(f"scrolls found, patches of {ms} ms", patch_s=ms / 1000)
        for ms in OTHER_PATCHES_MS
    ),
    PatchVariant("no scroll found", scrolls=False),
    PatchVariant("H.264 only", patches=False),
    PatchVariant("H.264 only, me hex", patches=False, more={"x264-params": "me=hex"}),
    PatchVariant("H.264 only, me umh, range 64", patches=False, more=_UMH),
)
RENDITIONS = {16_000: "high", 2000: "high", 1000: "half", 500: "low"}
"""The rendition that viewers have at a rate, in kbit/s."""
CONTENTS_SEEN = ("terminal", "page")


def study(short: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of the study."""
    for content in CONTENTS_SEEN[:1] if short else CONTENTS_SEEN:
        shown = list(itertools.islice(CONTENTS[content](SIZE), 6 if short else 2 * RATE))
        for kbps, rendition in list(RENDITIONS.items())[: 1 if short else None]:
            for variant in VARIANTS[:2] if short else VARIANTS:
                row = {
                    "content": content,
                    "kbps": kbps,
                    "rendition": rendition,
                    "variant": variant.name,
                }
                yield row | _measured(shown, kbps, rendition, variant)


def _measured(
    shown: Sequence[Shown], kbps: int, rendition: str, variant: PatchVariant
) -> dict[str, Any]:
    settings = EncoderSettings(patches=variant.patches, threads=1)
    params = dataclasses.replace(
        settings.stream_params(Rendition(rendition)),
        limits=dataclasses.replace(DEFAULT_LIMITS, patch_s=variant.patch_s),
    )
    codec = dataclasses.replace(X264, open=lambda params: X264Codec(params, variant.more))
    with contextlib.ExitStack() as stack:
        if not variant.scrolls:
            stack.enter_context(mock.patch.object(patcher, "find_scroll", return_value=None))
        viewer = Viewer(SIZE.width, SIZE.height)
        road = desk.Road(f"main/{rendition}", kbps, params, codec=codec)
        source = desk.Desk(SIZE.width, SIZE.height)
        source.pixels = shown[0][0]
        road.show(source.grab())
        # The desk is at rest and sharp first, as a page is before somebody scrolls it.
        for built in road.steps(road.now + REST_S):
            _see(viewer, built, road)
        road.sent.clear()
        began_at = road.now
        cpu_ms, likeness = [], []
        for number, (picture, damage) in enumerate(shown[1:]):
            source.pixels = picture
            road.show(source.grab(damage))
            spent = time.process_time_ns()
            built_now = list(road.steps(road.now + 1 / RATE))
            cpu_ms.append((time.process_time_ns() - spent) / 1e6)
            for built in built_now:
                _see(viewer, built, road)
            if number % 5 == 4:
                blocks = ssim(_luma(viewer.shown), _luma(picture[..., 2::-1]))
                likeness.append(float(blocks.mean()))
    fresh = [unit for unit in road.sent if unit.fresh]
    seconds = len(cpu_ms) / RATE
    left_at, link_ms = began_at, []
    for unit in road.sent:
        left_at = max(left_at, unit.at) + unit.size_bytes / 125 / kbps
        if unit.fresh:
            link_ms.append(1000 * (left_at - unit.at))
    return {
        "cpu_ms": round(statistics.mean(cpu_ms), 2),
        "unit_bytes": round(statistics.median(unit.size_bytes for unit in fresh)),
        "sent_kbps": round(sum(unit.size_bytes for unit in road.sent) / 125 / seconds),
        "pictures_s": round(len(fresh) / seconds, 1),
        "link_p95_ms": round(percentile(link_ms, 0.95)),
        "patches": round(sum(unit.kind is UnitKind.PATCH for unit in fresh) / len(fresh), 2),
        "seen_ssim": round(statistics.mean(likeness), 4) if likeness else None,
    }


def _see(viewer: Viewer, built: BuiltUnit, road: desk.Road) -> None:
    if built.kind is UnitKind.PATCH:
        viewer.patch(built.payload)
    elif built.kind is not UnitKind.NOTHING:
        seen = road.pipeline.seen
        viewer.video(built.payload, seen.width, seen.height, built.areas)


def _luma(rgb: Pixels) -> Pixels:
    return (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32)).astype(np.uint8)
