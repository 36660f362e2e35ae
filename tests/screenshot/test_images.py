"""Pixels to images, compared by colour."""

import io

import pytest
from PIL import Image

from fanlight_common.errors import ProtocolError
from fanlight_common.protocol.frames import Frame
from fanlight_common.protocol.public import PointerShape
from fanlight_screenshot import images
from fanlight_screenshot.parameters import Format, Parameters


def frame_of(width: int, height: int, stride: int) -> Frame:
    return Frame(width, height, stride, 1, 1, 1, 1, (), None, memoryview(b""))


def png(size: tuple[int, int], colour: tuple[int, int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", size, colour).save(out, "PNG")
    return out.getvalue()


def test_bgrx_with_a_stride_and_slack_behind() -> None:
    row = bytes((1, 2, 3, 0)) * 2 + b"\xff" * 8
    image = images.from_bgrx(frame_of(2, 2, 16), memoryview(row * 2 + b"\xee" * 100))
    assert image.size == (2, 2)
    assert image.tobytes() == bytes((3, 2, 1)) * 4


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
