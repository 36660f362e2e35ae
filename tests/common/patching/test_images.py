"""Regions as small images: exact where they must be."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fanlight_common.patching import images
from fanlight_common.patching.images import Effort
from fanlight_common.protocol.patch import ImageFormat
from tests.common.patching.drawn import noise, text


def rgb(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("effort", Effort)
@pytest.mark.parametrize("colours", [1, 2, 16, 17, 256, 257, 1 << 24])
def test_lossless_is_exact(effort: Effort, colours: int) -> None:
    pixels = noise(37, 53, colours)
    _, data = images.encode_lossless(pixels, effort)
    assert (rgb(data) == pixels[..., 2::-1]).all()


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 400),
    st.integers(0, 1000),
    st.sampled_from(Effort),
)
def test_any_size_and_number_of_colours(
    height: int, width: int, colours: int, seed: int, effort: Effort
) -> None:
    pixels = noise(height, width, colours, seed)
    _, data = images.encode_lossless(pixels, effort)
    assert (rgb(data) == pixels[..., 2::-1]).all()


def test_a_view_with_a_stride_and_a_garbage_x() -> None:
    desk = noise(90, 120, 40)
    for view in (desk[7:31, 11:45], desk[7:71, 11:85]):
        for effort in Effort:
            _, data = images.encode_lossless(view, effort)
            assert (rgb(data) == view[..., 2::-1]).all()


def test_a_character_is_plain_but_where_colour_would_be_dear() -> None:
    grey, coloured = noise(20, 20), noise(20, 20)
    grey[..., 1] = grey[..., 2] = grey[..., 0]
    for effort, wanted in ((Effort.FAST, ImageFormat.PNG), (Effort.SMALL, ImageFormat.WEBP)):
        assert images.encode_lossless(coloured, effort)[0] is wanted
        format_, data = images.encode_lossless(grey, effort)
        assert format_ is ImageFormat.PNG
        assert (rgb(data) == grey[..., 2::-1]).all()


def test_a_palette_that_no_hash_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_MULTIPLIERS", ())
    pixels = noise(40, 50, 99)
    format_, data = images.encode_lossless(pixels)
    assert format_ is ImageFormat.PNG
    assert (rgb(data) == pixels[..., 2::-1]).all()


def test_larger_than_webp_can_hold() -> None:
    pixels = text(1, 16384)
    format_, data = images.encode_lossless(pixels, Effort.SMALL)
    assert format_ is ImageFormat.PNG
    assert (rgb(data) == pixels[..., 2::-1]).all()
    assert images.encode_lossy(pixels, 50, 1, Effort.SMALL)[0] is ImageFormat.JPEG


def test_lossy_scales_and_takes_the_effort_s_format() -> None:
    pixels = noise(64, 48)
    for effort, wanted in ((Effort.FAST, ImageFormat.JPEG), (Effort.SMALL, ImageFormat.WEBP)):
        format_, data = images.encode_lossy(pixels, 40, 0.5, effort)
        assert format_ is wanted
        assert rgb(data).shape == (32, 24, 3)
