"""Pointer shapes as PNG."""

import io

from PIL import Image

from fanlight_capture.pointer_image import HIDDEN, pointer_shape


def test_pointer_colours_are_divided_by_their_alpha() -> None:
    # Half-transparent pure red, premultiplied BGRA; then a pixel of full green.
    shape = pointer_shape(bytes((0, 0, 128, 128, 0, 255, 0, 255)), 2, 1, 1, 0)
    assert (shape.width, shape.height, shape.hotspot_x, shape.hotspot_y) == (2, 1, 1, 0)
    image = Image.open(io.BytesIO(shape.png))
    assert image.mode == "RGBA"
    assert image.getpixel((0, 0)) == (255, 0, 0, 128)
    assert image.getpixel((1, 0)) == (0, 255, 0, 255)


def test_an_invisible_pointer_is_hidden() -> None:
    assert pointer_shape(bytes(16), 2, 2, 0, 0) == HIDDEN
