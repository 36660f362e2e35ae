"""Draws text after a change of the whole screen, as a viewer has it, for people to look at.

The encoder's own schedule and builder run in virtual time. A text page replaces a desk at rest, and
the cut-outs show what a viewer has when the link has carried the page's first unit, and later. Each
rate has a file, with a row for each variant of the encoder, a column for each moment, and pixels of
twice the size.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.encoding.contents import SIZE, bgrx, desk, text_page, whole
from fanlight_common.core.names import Rendition
from fanlight_encoder.core.renditions import StreamParams
from fanlight_encoder.core.unit_kinds import BuiltUnit, UnitKind
from fanlight_encoder.settings import EncoderSettings
from tests.encoder import desk as roads
from tests.encoder.pictures import Pixels
from tests.encoder.viewer import Viewer

CUT_OUT = (24, 556, 224, 616)
"""Left, top, right, bottom: letters of 13 pixels in the middle of the page. The encoder sharpens a
page from the top down, and two thirds of this page have smaller letters."""
MOMENTS_S = (0.5, 1.0, 2.0)
SETTLED_S = 30.0
"""Seconds after which nothing is left to be sent."""
RENDITIONS = {500: "low", 1000: "half", 2000: "high"}
"""The rendition that a viewer has at a rate, in kbit/s."""
_ZOOM = 2
_LABEL_PX = 20
_COLOURS = 48


@dataclasses.dataclass(frozen=True)
class Seen:
    """A cut-out, and the text above it."""

    label: str
    shown: Pixels


def variants(kbps: int) -> Mapping[str, StreamParams]:
    """Return the settings of the encoder that are compared, by name.

    They are: as the encoder is set, without what decision 19 gave thin links or can give wide ones,
    and without patches.
    """
    rendition = Rendition(RENDITIONS[kbps])
    as_set = EncoderSettings().stream_params(rendition)
    if rendition is Rendition.HIGH:
        other, differs = "with CABAC", dataclasses.replace(as_set, cabac=True)
    else:
        limits = dataclasses.replace(as_set.limits, spare_repeats_kbps=0)
        other = "ultrafast, no spare repeats"
        differs = dataclasses.replace(as_set, preset="ultrafast", limits=limits)
    return {
        "as it is set": as_set,
        other: differs,
        "no patches": dataclasses.replace(as_set, patches=False),
    }


def watch(kbps: int, params: StreamParams) -> list[Seen]:
    """Return what a viewer sees, moment by moment."""
    viewer = Viewer(SIZE.width, SIZE.height)
    road = roads.Road(f"main/{RENDITIONS[kbps]}", kbps, params)
    source = roads.Desk(SIZE.width, SIZE.height)
    source.pixels = bgrx(desk(SIZE))
    road.show(source.grab())
    for built in road.steps(road.now + SETTLED_S):
        _see(viewer, built, road)
    source.pixels = bgrx(text_page(SIZE, 1))
    changed_at, before = road.now, len(road.sent)
    road.show(source.grab(whole(SIZE)))
    left, top, right, bottom = CUT_OUT
    wanted = source.pixels[..., 2::-1]
    seen: list[Seen] = []
    carried_at, sharp_at, all_sharp_at = changed_at, None, None
    moments = list(MOMENTS_S)
    for built in road.steps(changed_at + SETTLED_S):
        if built.kind is UnitKind.NOTHING:
            continue
        # The link carries one unit after the other, and a viewer sees none before it is complete.
        carried_at = max(carried_at, road.now) + len(built.payload) / 125 / kbps
        while moments and seen and carried_at - changed_at > moments[0]:
            seen.append(Seen(f"{moments.pop(0):g} s", viewer.shown[top:bottom, left:right].copy()))
        _see(viewer, built, road)
        after_s = carried_at - changed_at
        if not seen:
            label = f"first unit, {after_s:.2f} s, {len(built.payload) / 1000:.1f} kB"
            seen.append(Seen(label, viewer.shown[top:bottom, left:right].copy()))
        if sharp_at is None and (viewer.shown == wanted)[top:bottom, left:right].all():
            sharp_at = after_s
        if all_sharp_at is None and (viewer.shown == wanted).all():
            all_sharp_at = after_s
    for moment in moments:
        seen.append(Seen(f"{moment:g} s", viewer.shown[top:bottom, left:right].copy()))
    size_kb = sum(unit.size_bytes for unit in road.sent[before:]) / 1000
    settled = f"settled, {size_kb:.0f} kB"
    for what, at in (("here", sharp_at), ("all", all_sharp_at)):
        settled += f", {what} exact at {at:.1f} s" if at is not None else f", {what} never exact"
    return [*seen, Seen(settled, viewer.shown[top:bottom, left:right].copy())]


def draw(folder: Path, *, short: bool) -> Iterator[Path]:
    """Draw the files, and yield each. With `short`, draw only the first row of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    for kbps in list(RENDITIONS)[:1] if short else RENDITIONS:
        every = list(variants(kbps).items())[:1] if short else variants(kbps).items()
        rows = [(name, watch(kbps, params)) for name, params in every]
        path = folder / f"text-{kbps}.png"
        sheet(kbps, rows).save(path, optimize=True)
        yield path


def sheet(kbps: int, rows: list[tuple[str, list[Seen]]]) -> Image.Image:
    """Return the image of one rate."""
    width, height = (
        (b - a) * _ZOOM for a, b in ((CUT_OUT[0], CUT_OUT[2]), (CUT_OUT[1], CUT_OUT[3]))
    )
    step = height + 2 * _LABEL_PX
    image = Image.new("RGB", ((width + 8) * len(rows[0][1]), step * len(rows)), (225, 225, 225))
    canvas, font = ImageDraw.Draw(image), ImageFont.truetype("DejaVuSans.ttf", 13)
    for row, (name, every) in enumerate(rows):
        title = f"{kbps} kbit/s, rendition {RENDITIONS[kbps]}: {name}"
        canvas.text((4, row * step + 2), title, (120, 0, 0), font)
        for column, seen in enumerate(every):
            left, top = column * (width + 8), row * step + _LABEL_PX
            canvas.text((left + 4, top + 2), seen.label, (0, 0, 0), font)
            cut = Image.fromarray(np.ascontiguousarray(seen.shown))
            image.paste(
                cut.resize((width, height), Image.Resampling.NEAREST), (left, top + _LABEL_PX)
            )
    return image.quantize(_COLOURS, dither=Image.Dither.NONE)


def _see(viewer: Viewer, built: BuiltUnit, road: roads.Road) -> None:
    if built.kind is UnitKind.PATCH:
        viewer.patch(built.payload)
    elif built.kind is not UnitKind.NOTHING:
        seen = road.pipeline.seen
        viewer.video(built.payload, seen.width, seen.height, built.areas)
