"""Regions as small images: exact where they must be, and the scroll that is really there."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fanlight_common.patching import regions
from fanlight_common.patching.regions import Effort, Scroll
from fanlight_common.protocol.patch import ImageFormat

BLACK, WHITE = (0, 0, 0, 0), (255, 255, 255, 0)


def rgb(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def noise(height: int, width: int, colours: int = 1 << 24, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    palette = generator.integers(0, 1 << 32, colours if colours < 1 << 20 else 1 << 20, np.uint32)
    words = palette[generator.integers(0, len(palette), (height, width))]
    return words.view(np.uint8).reshape(height, width, 4)


def text(height: int, width: int, seed: int = 1) -> np.ndarray:
    """Flat runs of few colours, no two rows alike."""
    generator = np.random.default_rng(seed)
    on = np.repeat(generator.random((height, -(-width // 8))) < 0.4, 8, axis=1)[:, :width]
    return np.where(on[..., None], WHITE, BLACK).astype(np.uint8)


@pytest.mark.parametrize("effort", Effort)
@pytest.mark.parametrize("colours", [1, 2, 16, 17, 256, 257, 1 << 24])
def test_lossless_is_exact(effort: Effort, colours: int) -> None:
    pixels = noise(37, 53, colours)
    _, data = regions.encode_lossless(pixels, effort)
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
    _, data = regions.encode_lossless(pixels, effort)
    assert (rgb(data) == pixels[..., 2::-1]).all()


def test_a_view_with_a_stride_and_a_garbage_x() -> None:
    desk = noise(90, 120, 40)
    for view in (desk[7:31, 11:45], desk[7:71, 11:85]):
        for effort in Effort:
            _, data = regions.encode_lossless(view, effort)
            assert (rgb(data) == view[..., 2::-1]).all()


def test_a_character_is_plain_but_where_colour_would_be_dear() -> None:
    grey, coloured = noise(20, 20), noise(20, 20)
    grey[..., 1] = grey[..., 2] = grey[..., 0]
    for effort, wanted in ((Effort.FAST, ImageFormat.PNG), (Effort.SMALL, ImageFormat.WEBP)):
        assert regions.encode_lossless(coloured, effort)[0] is wanted
        format_, data = regions.encode_lossless(grey, effort)
        assert format_ is ImageFormat.PNG
        assert (rgb(data) == grey[..., 2::-1]).all()


def test_a_palette_that_no_hash_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions, "_MULTIPLIERS", ())
    pixels = noise(40, 50, 99)
    format_, data = regions.encode_lossless(pixels)
    assert format_ is ImageFormat.PNG
    assert (rgb(data) == pixels[..., 2::-1]).all()


def test_larger_than_webp_can_hold() -> None:
    pixels = text(1, 16384)
    format_, data = regions.encode_lossless(pixels, Effort.SMALL)
    assert format_ is ImageFormat.PNG
    assert (rgb(data) == pixels[..., 2::-1]).all()
    assert regions.encode_lossy(pixels, 50, 1, Effort.SMALL)[0] is ImageFormat.JPEG


def test_lossy_scales_and_takes_the_effort_s_format() -> None:
    pixels = noise(64, 48)
    for effort, wanted in ((Effort.FAST, ImageFormat.JPEG), (Effort.SMALL, ImageFormat.WEBP)):
        format_, data = regions.encode_lossy(pixels, 40, 0.5, effort)
        assert format_ is wanted
        assert rgb(data).shape == (32, 24, 3)


def test_text_is_few_colours_and_noise_is_not() -> None:
    assert regions.is_few_colours(text(200, 300))
    assert not regions.is_few_colours(noise(200, 300))
    assert regions.is_few_colours(noise(200, 300, 12))
    assert regions.is_few_colours(noise(5, 5))
    assert regions.is_few_colours(noise(500, 1, 8))
    assert regions.encode_region(text(100, 100), 50)[0] is ImageFormat.PNG
    assert regions.encode_region(noise(100, 100), 50)[0] is ImageFormat.JPEG


def test_a_photograph_in_a_page_is_split_from_it() -> None:
    page = text(400, 600)
    page[64:192, 128:320] = noise(128, 192)
    parts = list(regions.split(page))
    pictures = [rect for rect, few in parts if not few]
    assert [(r.x, r.y, r.width, r.height) for r in pictures] == [(128, 64, 192, 128)]
    covered = np.zeros((400, 600), int)
    for rect, _ in parts:
        covered[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("dy", [1, 17, 200, -1, -40])
def test_finds_the_scroll(dy: int) -> None:
    before, fresh = text(480, 300), text(480, 300, 2)
    after = fresh.copy()
    if dy > 0:
        after[:-dy] = before[dy:]
        wanted = Scroll(dy, 0, 480 - dy)
    else:
        after[-dy:] = before[:dy]
        wanted = Scroll(dy, -dy, 480)
    assert regions.find_scroll(before, after) == wanted


def test_scroll_between_a_title_and_a_status_line() -> None:
    before = text(480, 300)
    after = before.copy()
    after[20:440] = before[40:460]
    after[440:460] = text(20, 300, 9)
    assert regions.find_scroll(before, after) == Scroll(20, 20, 440)


def test_scroll_is_exact_between_the_columns_that_vote() -> None:
    before = text(480, 300)
    after = before.copy()
    after[:460] = before[20:]
    after[300, 6] ^= 0x55  # a pixel that no hash covers
    scroll = regions.find_scroll(before, after)
    assert scroll == Scroll(20, 0, 300)


def test_no_scroll() -> None:
    page = text(480, 300)
    assert regions.find_scroll(page, page) is None
    assert regions.find_scroll(page, text(480, 300, 2)) is None
    assert regions.find_scroll(page, page[:400]) is None
    assert regions.find_scroll(page[:10], page[1:11]) is None
    blank = np.zeros_like(page)
    assert regions.find_scroll(blank, blank) is None
    little = text(480, 300, 3)
    little[100:130] = page[150:180]
    assert regions.find_scroll(page, little) is None  # too few rows to pay
    other = text(480, 300, 4)
    other[::2, ::4] = page[[(row + 2) % 480 for row in range(0, 480, 2)], ::4]
    assert regions.find_scroll(page, other) is None  # only the columns that vote


def test_from_buffer_minds_the_stride() -> None:
    data = bytes(range(256)) * 4
    view = regions.from_buffer(memoryview(data), 3, 5, 20)
    assert view.shape == (5, 3, 4)
    assert view[2, 1].tolist() == [44, 45, 46, 47]
