"""Which rows are converted anew, and that it makes no difference to the picture."""

import dataclasses
import itertools

import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import FrameLostError
from fanlight_common.core.geometry import Rect, Size
from fanlight_common.core.names import Rendition
from fanlight_common.protocol.frames import Frame
from fanlight_encoder.codecs.x264 import X264
from fanlight_encoder.core.picture_size import coded, visible
from fanlight_encoder.core.renditions import PROFILES
from fanlight_encoder.core.rows import bands
from fanlight_encoder.settings import EncoderSettings
from fanlight_encoder.units import convert as convert_module
from fanlight_encoder.units.convert import Converter
from fanlight_encoder.units.pipeline import Pipeline
from tests.encoder.pictures import Pixels

RECTS = st.lists(
    st.builds(
        Rect, st.integers(0, 300), st.integers(0, 199), st.integers(1, 20), st.integers(1, 60)
    ),
    max_size=12,
)


@given(RECTS, st.sampled_from([2, 4, 6]))
def test_bands_cover_the_damage_in_steps_and_do_not_touch(damage: list[Rect], step: int) -> None:
    found = bands(damage, 240, step)
    if found is None:
        return
    covered = {row for top, bottom in found for row in range(top, bottom)}
    assert {row for r in damage for row in range(r.y, min(240, r.y + r.height))} <= covered
    assert len(covered) == sum(bottom - top for top, bottom in found) <= 0.8 * 240
    for top, bottom in found:
        assert top % step == 0
        assert bottom % step == 0 or bottom == 240
    assert all(one[1] < other[0] for one, other in itertools.pairwise(found))


def test_much_damage_is_all_of_it() -> None:
    assert bands([Rect(0, 0, 1, 200)], 240, 2) is None
    assert bands([], 240, 2) == []


class Desk:
    """A desk on which rectangles of noise appear. Its frames tell the last few of them."""

    def __init__(self, size: Size, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.size = size
        self.pixels: Pixels = self._noise(size.height, size.width)
        self.history: list[tuple[Rect, ...]] = []
        self.sequence = 1
        self.torn = False

    def draw(self) -> None:
        """Draw one to three rectangles, which makes one more frame."""
        rects = []
        for _ in range(self.random.integers(1, 4)):
            left, top = (int(self.random.integers(0, side)) for side in self._sides())
            width, height = (int(self.random.integers(1, 60)) for _ in range(2))
            rect = Rect(
                left, top, min(width, self.size.width - left), min(height, self.size.height - top)
            )
            self.pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] = self._noise(
                rect.height, rect.width
            )
            rects.append(rect)
        self.history = [tuple(rects), *self.history][:4]
        self.sequence += 1

    def frame(self) -> Frame:
        width, height = self.size.width, self.size.height
        damage = tuple(self.history)
        return Frame(
            width, height, 4 * width, 1, self.sequence, 1, 1, damage, None, memoryview(b"")
        )

    def check(self, frame: Frame) -> None:
        if self.torn:
            raise FrameLostError("overwritten")

    def pixels_of(self) -> memoryview:
        return memoryview(self.pixels.tobytes() + bytes(64))

    def _noise(self, height: int, width: int) -> Pixels:
        return self.random.integers(0, 256, (height, width, 4), np.uint8)

    def _sides(self) -> tuple[int, int]:
        return self.size.width, self.size.height


class Source:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def pixels(self, frame: Frame) -> memoryview:
        return self.desk.pixels_of()

    def check(self, frame: Frame) -> None:
        self.desk.check(frame)


def planes(image: VideoFrame) -> list[Pixels]:
    found = []
    for plane in image.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]  # a buffer
        found.append(rows[: plane.height, : plane.width].copy())
    return found


@pytest.mark.parametrize("rendition", list(Rendition))
@pytest.mark.parametrize(
    "size", [Size(384, 240), Size(390, 242), Size(383, 241), Size(384, 239)], ids=str
)
def test_the_picture_is_as_if_all_of_it_had_been_converted(
    size: Size, rendition: Rendition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are thousands of drawings, and some frames are left out or torn."""
    parts = 0
    whole = Converter.convert_rows

    def counted(*arguments: object) -> object:
        nonlocal parts
        parts += 1
        return whole(*arguments)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(Converter, "convert_rows", counted)
    desk = Desk(size, seed=size.width + len(rendition))
    source = Source(desk)
    pipeline = Pipeline(f"main/{rendition}", EncoderSettings().stream_params(rendition), X264, X264)
    target = coded(visible(size, Size(4096, 4096), PROFILES[rendition].divisor))
    for _ in range(300):
        for _ in range(int(desk.random.choice([0, 1, 1, 1, 2, 6]))):
            desk.draw()
        if desk.random.random() < 0.1:
            desk.torn = True
            with pytest.raises(FrameLostError):
                pipeline.load(source, desk.frame())
            desk.torn = False
            continue
        if desk.random.random() < 0.5:
            pipeline.load(source, desk.frame())
        else:
            pipeline.load_pixels(desk.pixels_of(), desk.frame())
        wanted = Converter().convert(desk.pixels_of(), size, 4 * size.width, target)
        assert pipeline._picture is not None
        for one, other in zip(planes(pipeline._picture.image), planes(wanted), strict=True):
            np.testing.assert_array_equal(one, other)
    exact = convert_module.row_step(size, target) > 0
    assert (parts > 100) == exact


def test_another_capture_or_a_gap_is_all_of_it() -> None:
    desk = Desk(Size(384, 240), seed=1)
    source = Source(desk)
    pipeline = Pipeline("main/high", EncoderSettings().stream_params(Rendition.HIGH), X264, X264)
    pipeline.load(source, desk.frame())
    for change in (
        lambda: dataclasses.replace(desk.frame(), instance=2),
        lambda: dataclasses.replace(desk.frame(), instance=2, sequence=desk.sequence + 9),
        lambda: dataclasses.replace(desk.frame(), instance=2, sequence=1, damage=()),
    ):
        desk.pixels = desk.random.integers(0, 256, desk.pixels.shape, np.uint8)
        desk.history = []
        pipeline.load(source, change())
        wanted = Converter().convert(desk.pixels_of(), desk.size, 4 * 384, desk.size)
        assert pipeline._picture is not None
        for one, other in zip(planes(pipeline._picture.image), planes(wanted), strict=True):
            np.testing.assert_array_equal(one, other)
