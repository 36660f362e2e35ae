"""BGRX to BT.709, of any size, from memory that may end right behind the last pixel."""

import numpy as np
import pytest
from av import VideoFrame

from fanlight_common.core.geometry import Size
from fanlight_encoder.units.convert import Converter
from tests.encoder.pictures import COLOURS, Pixels, patches, text


def planes(image: VideoFrame) -> tuple[Pixels, Pixels, Pixels]:
    """Return Y, U and V."""
    found = []
    for plane in image.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        found.append(rows[: plane.height, : plane.width])
    return found[0], found[1], found[2]


def exact(colour: tuple[int, int, int]) -> tuple[float, float, float]:
    red, green, blue = colour
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (
        16 + 219 * y / 255,
        128 + 224 * (blue - y) / 1.8556 / 255,
        128 + 224 * (red - y) / 1.5748 / 255,
    )


def convert(
    pixels: Pixels, target: Size | None = None, *, stride: int = 0, slack: int = 0
) -> VideoFrame:
    height, width, _ = pixels.shape
    stride = stride or 4 * width
    memory = np.full(height * stride + slack, 77, np.uint8)
    rows = memory[: height * stride].reshape(height, stride)
    rows[:, : 4 * width] = pixels.reshape(height, 4 * width)
    # The memory is read-only, as a message is.
    source = memoryview(memory.tobytes())
    size = Size(width, height)
    return Converter().convert(source, size, stride, target or size)


@pytest.mark.parametrize("slack", [0, 4096])
@pytest.mark.parametrize("stride", [0, 4 * 640 + 64])
def test_colours_are_bt709_limited(stride: int, slack: int) -> None:
    image = convert(patches(640, 64), stride=stride, slack=slack)
    found = planes(image)
    for number, colour in enumerate(COLOURS):
        x = 640 * (2 * number + 1) // (2 * len(COLOURS))
        seen = [int(plane[len(plane) // 2, x * plane.shape[1] // 640]) for plane in found]
        assert seen == pytest.approx(exact(colour), abs=1)


def test_chroma_is_the_mean_of_four() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[::2, ::2, 2] = 255  # one red pixel in four
    _, _, v = planes(convert(pixels))
    quarter = 128 + (exact((255, 0, 0))[2] - 128) / 4
    assert np.abs(v - quarter).max() <= 1


def test_luma_of_text_is_exact() -> None:
    pixels = text(320, 98)
    y, _, _ = planes(convert(pixels, slack=4096))
    blue, green, red = (pixels[..., channel].astype(float) for channel in range(3))
    wanted = 16 + 219 * (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
    assert np.abs(y - wanted).max() < 1


@pytest.mark.parametrize("size", [Size(63, 40), Size(64, 41), Size(63, 41), Size(1, 1)])
def test_an_odd_edge_is_repeated_and_bleeds_nothing_in(size: Size) -> None:
    pixels = np.zeros((size.height, size.width, 4), np.uint8)
    pixels[..., :3] = (10, 20, 230)
    target = Size(size.width + size.width % 2, size.height + size.height % 2)
    # The bytes behind each row and behind the last row have another colour.
    image = convert(pixels, target, stride=4 * size.width + 16, slack=4096)
    assert (image.width, image.height) == (target.width, target.height)
    for plane, value in zip(planes(image), exact((230, 20, 10)), strict=True):
        assert np.abs(plane.astype(float) - value).max() <= 1


def test_it_scales_down_odd_sizes_too() -> None:
    image = convert(patches(801, 401), Size(400, 200))
    assert (image.width, image.height) == (400, 200)
    y, _, _ = planes(image)
    assert int(y[100, 25]) == pytest.approx(exact(COLOURS[0])[0], abs=1)


def test_one_converter_takes_sizes_as_they_come() -> None:
    converter = Converter()
    for width, height in [(64, 32), (63, 31), (128, 64), (64, 32)]:
        pixels = patches(width, height)
        target = Size(width + width % 2, height + height % 2)
        image = converter.convert(
            memoryview(pixels).cast("B"), Size(width, height), 4 * width, target
        )
        assert int(planes(image)[0][0, 0]) == pytest.approx(exact(COLOURS[0])[0], abs=1)
