"""Runs one variant of the encoder on one recording at one rate, and compares what is decoded.

Pictures are paid for as in the encoder's schedule, in virtual time: a unit may have what the link
has carried since the one before (`budget`), at most 50 ms of it, and with less than `least_bytes`
the picture is left out. Milliseconds of CPU are those of the process's clock, with all threads;
nothing else runs in the process meanwhile.
"""

import dataclasses
import re
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import av
import numpy as np

from bench.encoding.contents import RATE, Shown
from bench.encoding.likeness import luma, ssim
from fanlight_common.core.budget import Budget
from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs.base import CodecParams
from fanlight_encoder.codecs.x264 import X264Codec
from fanlight_encoder.core.picture_size import coded, visible
from fanlight_encoder.core.renditions import PROFILES, least_bytes
from fanlight_encoder.core.unit_kinds import DEFAULT_LIMITS
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units.convert import Converter

_SLICE = re.compile(rb"\x00\x00\x01[\x01\x05\x21\x25\x41\x45\x61\x65]")
"""The beginning of a NAL unit that is part of a picture."""
_COMPARED = 3
"""Every third picture is compared, because comparing takes longer than encoding."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """One setting of the encoder. `more` has libx264 options besides the encoder's own."""

    name: str
    preset: Any = "ultrafast"
    threads: int = 1
    more: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    told: bool = True
    """The codec is told the size of each unit. Otherwise its own rate control decides."""


@dataclasses.dataclass(frozen=True)
class Rate:
    """The rate of the link, and the rendition that viewers have at it."""

    kbps: int
    rendition: Rendition = Rendition.HIGH


def converted(shown: Iterable[Shown], size: Size, rendition: Rendition) -> list[av.VideoFrame]:
    """Return the pictures as a codec of this rendition gets them."""
    converter = Converter()
    target = coded(visible(size, size, PROFILES[rendition].divisor))
    return [
        converter.convert(
            memoryview(np.ascontiguousarray(p).data).cast("B"), size, 4 * size.width, target
        )
        for p, _ in shown
    ]


class Trial:
    """Encodes one recording, and keeps the figures of its units."""

    def __init__(self, variant: Variant, rate: Rate, size: Size) -> None:
        settings = EncoderSettings(preset=variant.preset, threads=variant.threads, max_fps=RATE)
        stream = settings.stream_params(rate.rendition)
        params = dataclasses.replace(
            CodecParams.for_stream(stream, size), fps=RATE, preset=variant.preset
        )
        self._codec = X264Codec(params, variant.more)
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1
        self._kbps, self._told = rate.kbps, variant.told
        self._budget = Budget(rate.kbps, stream.budget_depth_s)
        self._least = least_bytes(size)
        self._left_at = 0.0
        self._offered = 0
        self._slices = 0
        self.cpu_ms: list[float] = []
        self.wall_ms: list[float] = []
        self.decode_ms: list[float] = []
        self.sizes: list[int] = []
        self.link_ms: list[float] = []
        """Time from when a picture is there until a link of this rate has carried its unit."""
        self.ssim: list[float] = []
        self.worst: list[float] = []
        self.seen: av.VideoFrame | None = None

    def offer(self, picture: av.VideoFrame) -> None:
        """Encode the next picture, which is there 1 / RATE s after the one before."""
        now = self._offered / RATE
        self._offered += 1
        idr = not self.sizes
        if self._told:
            there = self._budget.available_bytes(now)
            if not idr and there < self._least:
                return
            most = there if idr else min(there, self._budget.of(DEFAULT_LIMITS.delta_s))
            self._codec.set_target(self._kbps, max(most, self._least))
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        unit = self._codec.encode(picture, idr=idr)
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        self._slices = len(_SLICE.findall(unit.payload))
        self._budget.spend(len(unit.payload), now)
        self._left_at = max(self._left_at, now) + len(unit.payload) * 8 / 1000 / self._kbps
        self.cpu_ms.append(cpu / 1e6)
        self.wall_ms.append(wall / 1e6)
        self.sizes.append(len(unit.payload))
        self.link_ms.append(1000 * (self._left_at - now))
        cpu = time.process_time_ns()
        (self.seen,) = self._decoder.decode(av.Packet(unit.payload))
        self.decode_ms.append((time.process_time_ns() - cpu) / 1e6)
        if len(self.sizes) % _COMPARED == 1:
            blocks = ssim(luma(picture), luma(self.seen))
            self.ssim.append(float(blocks.mean()))
            self.worst.append(float(np.quantile(blocks, 0.01)))

    def row(self) -> dict[str, Any]:
        """Return the figures: medians, without the IDR except in figures that are about it."""
        later = slice(1, None)
        seconds = self._offered / RATE
        return {
            "cpu_ms": round(statistics.median(self.cpu_ms[later]), 2),
            "cpu_p95_ms": round(percentile(self.cpu_ms[later], 0.95), 2),
            "wall_ms": round(statistics.median(self.wall_ms[later]), 2),
            "decode_ms": round(statistics.median(self.decode_ms[later]), 2),
            "slices": self._slices,
            "pictures_s": round(len(self.sizes) / seconds, 1),
            "sent_kbps": round(sum(self.sizes[later]) / 125 / seconds),
            "link_p95_ms": round(percentile(self.link_ms[later], 0.95)),
            "link_max_ms": round(max(self.link_ms[later])),
            "idr_bytes": self.sizes[0],
            "idr_ms": round(self.cpu_ms[0], 2),
            "idr_ssim": round(self.ssim[0], 4),
            "ssim": round(statistics.mean(self.ssim[later]), 4),
            "worst_ssim": round(statistics.mean(self.worst[later]), 3),
        }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def compare(
    variants: Sequence[Variant], rate: Rate, pictures: Sequence[av.VideoFrame]
) -> list[dict[str, Any]]:
    """Run all variants on one recording in turns, so that a busy moment counts for all of them."""
    size = Size(pictures[0].width, pictures[0].height)
    trials = [Trial(variant, rate, size) for variant in variants]
    for picture in pictures:
        for trial in trials:
            trial.offer(picture)
    return [
        {
            "kbps": rate.kbps,
            "rendition": rate.rendition.value,
            "variant": variant.name,
            **trial.row(),
        }
        for variant, trial in zip(variants, trials, strict=True)
    ]
