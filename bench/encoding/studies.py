"""What is compared with what, and why. Each study yields rows of results.

presets   quality against CPU, in each rendition at rates at which viewers have it
threads   slices, and threads that share them: CPU, time, and what slices cost in likeness
tools     what single tools of libx264 add to the fastest preset
control   who keeps to the rate: each unit told its size (ours), or libx264 by itself
delay     what makes libx264 keep pictures to itself
scrolling what finding a scroll pays, with patches and by motion search (`scrolling`)
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import av

from bench.encoding import scrolling
from bench.encoding.contents import CONTENTS, RATE, SIZE
from bench.encoding.trial import Rate, Variant, compare, converted
from fanlight_common.core.geometry import Size
from fanlight_common.core.names import Rendition
from fanlight_encoder.codecs.base import CodecParams
from fanlight_encoder.codecs.libav import open_context
from fanlight_encoder.codecs.x264 import X264, opening
from fanlight_encoder.settings import EncoderSettings

Row = dict[str, Any]
HIGH, HALF, LOW = Rendition.HIGH, Rendition.HALF, Rendition.LOW


def _x264(name: str, parameters: str, preset: str = "ultrafast") -> Variant:
    return Variant(name, preset, more={"x264-params": parameters})


PRESETS = [
    Variant("ultrafast"),
    _x264("ultrafast, CABAC", "cabac=1"),
    *(Variant(name, name) for name in ("superfast", "veryfast", "faster")),
]
ROADS = [
    Rate(8000), Rate(2000), Rate(500), Rate(2000, HALF), Rate(1000, HALF), Rate(500, LOW)
]  # fmt: skip
"""Viewers have `high` from 2000 kbit/s on, `half` at 1000 and `low` at 500. The other rates are
there to compare."""


THREADS = [
    Variant("1 thread"),
    Variant("2 threads, 2 slices", threads=2),
    Variant("1 thread, 2 slices", more={"slices": "2"}),
    Variant("1 thread, 4 slices", more={"slices": "4"}),
    Variant("4 threads, 4 slices", threads=4),
    _x264("CABAC, 1 thread", "cabac=1"),
    Variant("CABAC, 2 threads, 2 slices", threads=2, more={"x264-params": "cabac=1"}),
    Variant("superfast, 1 thread", "superfast"),
    Variant("superfast, 2 threads, 2 slices", "superfast", 2),
]
SMALL_THREADS = [
    Variant("superfast, 1 thread", "superfast"),
    Variant("superfast, 2 threads, 2 slices", "superfast", 2),
]
TOOLS = [
    Variant("ultrafast"),
    _x264("CABAC", "cabac=1"),
    _x264("CABAC, AQ 1", "cabac=1:aq-mode=1"),
    _x264("CABAC, subme 1", "cabac=1:subme=1"),
    _x264("CABAC, intra 4x4", "cabac=1:partitions=i4x4"),
    _x264("CABAC, 8x8 DCT", "cabac=1:partitions=i8x8:8x8dct=1"),
    _x264("CABAC, intra 4x4, 8x8 DCT", "cabac=1:partitions=i4x4,i8x8:8x8dct=1"),
    _x264("deblocking", "deblock=1,0,0"),
    _x264("intra 4x4", "partitions=i4x4"),
    _x264("intra 4x4, 8x8 DCT", "partitions=i4x4,i8x8:8x8dct=1"),
    _x264("subme 1", "subme=1"),
    _x264("subme 2", "subme=2"),
    _x264("me hex", "me=hex"),
    _x264("me umh, range 64", "me=umh:merange=64"),
    _x264("AQ 1", "aq-mode=1"),
    _x264("AQ 2", "aq-mode=2"),
    _x264("2 reference pictures", "ref=2"),
    _x264("weighted prediction", "weightp=1"),
    _x264("intra refresh in 20 pictures", "intra-refresh=1:keyint=20"),
    Variant("superfast", "superfast"),
    _x264("superfast, CAVLC", "cabac=0", "superfast"),
    _x264("superfast, no AQ", "aq-mode=0", "superfast"),
    Variant("veryfast", "veryfast"),
    _x264("veryfast, no AQ", "aq-mode=0", "veryfast"),
    _x264("veryfast, AQ 2", "aq-mode=2", "veryfast"),
]
TOOL_RATES = [Rate(8000), Rate(2000), Rate(1000, HALF)]
MOVING = ("windows", "page", "game", "video")


def _rate_control(kbps: int) -> list[Variant]:
    def own(name: str, **options: str) -> Variant:
        return Variant(name, more=options, told=False)

    rate = f"{kbps}k"
    picture = f"{kbps / RATE:.0f}k"
    return [
        Variant("each unit told its size"),
        own("CBR, buffer of one picture", b=rate, maxrate=rate, bufsize=picture),
        own("CBR, buffer of 100 ms", b=rate, maxrate=rate, bufsize=f"{kbps / 10:.0f}k"),
        own("CBR, buffer of 1 s", b=rate, maxrate=rate, bufsize=rate),
        own("ABR", b=rate, maxrate="0", bufsize="0"),
        own("CRF 23, buffer of 100 ms", crf="23", maxrate=rate, bufsize=f"{kbps / 10:.0f}k"),
        own("CRF 23, buffer of 1 s", crf="23", maxrate=rate, bufsize=rate),
        own("CRF 23", crf="23", maxrate="0", bufsize="0"),
    ]


DELAYS: list[tuple[str, int, dict[str, str]]] = [
    ("as the encoder opens it, 1 thread", 1, {}),
    ("the same, 2 threads (slices)", 2, {}),
    ("frame threads: 2 threads, sliced-threads=0", 2, {"x264-params": "sliced-threads=0"}),
    ("zerolatency, 2 B-frames", 1, {"bf": "2"}),
    (
        "zerolatency, lookahead of 10",
        1,
        {"x264-params": "rc-lookahead=10:sync-lookahead=0"},
    ),
    ("no tune, 1 thread, ultrafast", 1, {"tune": ""}),
    ("no tune, 2 threads, ultrafast", 2, {"tune": ""}),
    ("no tune, 1 thread, veryfast", 1, {"tune": "", "preset": "veryfast"}),
]


def delay(short: bool) -> Iterator[Row]:
    """Yield how many later pictures a unit waits for: a picture of video, of any size."""
    size = Size(320, 192)
    shown = itertools.islice(CONTENTS["typing"](SIZE), 1)
    picture = converted(shown, SIZE, HIGH)[0].reformat(size.width, size.height)
    for name, threads, more in DELAYS[:2] if short else DELAYS:
        stream = EncoderSettings(threads=threads, max_fps=RATE).stream_params(HIGH)
        params = CodecParams.for_stream(stream, size)
        if "tune" in more:
            more = {"tune": "film", **{key: more[key] for key in more if key != "tune"}}
        context = open_context(X264, params, opening(params, more))
        for number in range(100):
            picture.pts = number
            if context.encode(picture):
                break
        yield {"variant": name, "pictures": number, "ms_at_60": round(number * 1000 / 60)}


def presets(short: bool) -> Iterator[Row]:
    """Yield the rows of the study that the module's docstring describes."""
    yield from _studied(PRESETS[:2] if short else PRESETS, ROADS[-1:] if short else ROADS,
                        ["windows"] if short else list(CONTENTS), short)  # fmt: skip


def threads(short: bool) -> Iterator[Row]:
    """Yield the rows of the study that the module's docstring describes."""
    contents = ["windows"] if short else ["windows", "terminal", "game", "video"]
    yield from _studied(THREADS[:3] if short else THREADS, [Rate(8000)], contents, short)
    if not short:
        small = [Rate(1000, HALF), Rate(500, LOW)]
        yield from _studied(SMALL_THREADS, small, contents, short)


def tools(short: bool) -> Iterator[Row]:
    """Yield the rows of the study that the module's docstring describes."""
    yield from _studied(TOOLS[:2] if short else TOOLS, TOOL_RATES[-1:] if short else TOOL_RATES,
                        ["windows"] if short else list(MOVING), short)  # fmt: skip


def control(short: bool) -> Iterator[Row]:
    """Yield the rows of the study that the module's docstring describes."""
    for rate in [Rate(2000)] if short else [Rate(8000), Rate(2000)]:
        variants = _rate_control(rate.kbps)
        contents = ["windows"] if short else ["windows", "game", "video"]
        yield from _studied(variants[:2] if short else variants, [rate], contents, short)


def _studied(
    variants: list[Variant], rates: list[Rate], contents: list[str], short: bool
) -> Iterator[Row]:
    for name in contents:
        shown = list(itertools.islice(CONTENTS[name](SIZE), 5 if short else 2 * RATE))
        recordings: dict[Rendition, list[av.VideoFrame]] = {}
        for rate in rates:
            if rate.rendition not in recordings:
                recordings[rate.rendition] = converted(shown, SIZE, rate.rendition)
            for row in compare(variants, rate, recordings[rate.rendition]):
                yield {"content": name, **row}


STUDIES: dict[str, Callable[[bool], Iterator[Row]]] = {
    "presets": presets,
    "threads": threads,
    "tools": tools,
    "control": control,
    "delay": delay,
    "scrolling": scrolling.study,
}
