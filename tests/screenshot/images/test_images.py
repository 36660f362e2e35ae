"""Pixels to images, compared by colour."""

import io

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from fanlight_common.core.errors import ProtocolError
from fanlight_common.protocol.binary import PointerShape
from fanlight_screenshot.core.parameters import Format, Parameters
from fanlight_screenshot.images import images


def png(size: tuple[int, int], colour: tuple[int, int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", size, colour).save(out, "PNG")
    return out.getvalue()


def test_bgrx_becomes_rgb() -> None:
    image = images.from_bgrx(np.tile(np.array([1, 2, 3, 0], np.uint8), (2, 3, 1)))
    assert image.size == (3, 2)
    assert image.tobytes() == bytes((3, 2, 1)) * 6


@pytest.mark.parametrize("quality", [40, 70, 95])
def test_a_direct_jpeg_is_that_of_pillow(quality: int) -> None:
    rows, columns = np.mgrid[0:45, 0:67]
    pixels = np.stack([3 * columns, 5 * rows, columns + rows, rows], axis=2).astype(np.uint8)
    parameters = Parameters(Format.JPEG, quality)
    assert images.is_direct(parameters)
    assert not images.is_direct(Parameters(Format.JPEG, quality, 0.5))
    direct = images.encode_directly(pixels, parameters)
    other = images.encode(images.from_bgrx(pixels), parameters)
    assert abs(len(direct) - len(other)) < 0.05 * len(other)
    with Image.open(io.BytesIO(direct)) as one, Image.open(io.BytesIO(other)) as two:
        assert (one.size, one.mode) == (two.size, two.mode) == ((67, 45), "RGB")
        assert JpegImagePlugin.get_sampling(one) == JpegImagePlugin.get_sampling(two)
        apart = np.abs(np.asarray(one).astype(int) - np.asarray(two).astype(int))
    assert apart.mean() < 2


@pytest.mark.parametrize("format_", list(Format))
@pytest.mark.parametrize("quality", [70, 95])
def test_colours_survive(format_: Format, quality: int) -> None:
    image = Image.new("RGB", (64, 48), (200, 30, 90))
    data = images.encode(image, Parameters(format_, quality))
    with Image.open(io.BytesIO(data)) as decoded:
        assert decoded.format == format_.upper()
        assert decoded.size == (64, 48)
        pixel = decoded.convert("RGB").getpixel((30, 20))
    assert all(abs(a - b) <= 4 for a, b in zip(pixel, (200, 30, 90), strict=True))


@pytest.mark.parametrize(("size", "scaled"), [((64, 48), (32, 24)), ((3, 1), (2, 1))])
def test_scale(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    data = images.encode(Image.new("RGB", size), Parameters(Format.PNG, 0, 0.5))
    with Image.open(io.BytesIO(data)) as decoded:
        assert decoded.size == scaled


def test_the_pointer_is_drawn_at_its_hotspot_and_the_picture_is_left_alone() -> None:
    image = Image.new("RGB", (64, 32))
    shape = PointerShape(4, 4, 1, 1, png((4, 4), (0, 255, 0, 255)))
    pointer = images.decode_pointer(shape)
    assert pointer is not None
    drawn = images.with_pointer(image, pointer, (32768, 32768), (1, 1))
    green = {(x, y) for x in range(64) for y in range(32) if drawn.getpixel((x, y)) == (0, 255, 0)}
    assert green == {(x, y) for x in range(31, 35) for y in range(15, 19)}
    assert image.getpixel((32, 16)) == (0, 0, 0)
    edge = images.with_pointer(image, pointer, (65535, 0), (1, 1))
    assert edge.size == image.size


def test_a_hidden_pointer_and_one_that_is_no_png() -> None:
    assert images.decode_pointer(PointerShape(0, 0, 0, 0, b"")) is None
    good = png((4, 4), (0, 0, 0, 0))
    for bad in (b"x", good[:30], good[:45] + b"\xff" * 20, b"GIF89a" + bytes(20)):
        with pytest.raises(ProtocolError):
            images.decode_pointer(PointerShape(4, 4, 0, 0, bad))
