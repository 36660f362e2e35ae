"""The plain PNG writer, read back by Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from fanlight_common.patching import png


@pytest.mark.parametrize(("width", "height"), [(1, 1), (20, 20), (7, 90), (300, 3)])
def test_it_is_the_pixels(width: int, height: int) -> None:
    desk = np.random.default_rng(width).integers(0, 256, (100, 400, 4), np.uint8)
    pixels = desk[5 : 5 + height, 9 : 9 + width]
    data = png.encode(pixels)
    assert data is not None
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (width, height))
        assert (np.asarray(image) == pixels[:, :, 2::-1]).all()


def test_grey_is_a_third_of_that_and_may_be_all_that_is_wanted() -> None:
    pixels = np.full((20, 20, 4), 255, np.uint8)
    pixels[4:16, 6:14] = np.random.default_rng(1).choice([0, 90, 170, 255], (12, 8, 1))
    pixels[:, :, 3] = 7  # X is ignored
    data = png.encode(pixels, grey_only=True)
    assert data is not None
    assert len(data) < 150
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "L"
        assert (np.asarray(image) == pixels[:, :, 0]).all()
    pixels[3, 3, 1] = 0
    assert png.encode(pixels, grey_only=True) is None
    assert png.encode(pixels) is not None
