"""Text or picture, and a photograph in a page."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fanlight_common.patching.contents import is_few_colours, split
from tests.common.patching.drawn import noise, text


def test_text_is_few_colours_and_noise_is_not() -> None:
    assert is_few_colours(text(200, 300))
    assert not is_few_colours(noise(200, 300))
    assert is_few_colours(noise(200, 300, 12))
    assert is_few_colours(noise(5, 5))
    assert is_few_colours(noise(500, 1, 8))


def test_a_photograph_in_a_page_is_split_from_it() -> None:
    page = text(400, 600)
    page[64:192, 128:320] = noise(128, 192)
    parts = list(split(page))
    pictures = [rect for rect, few in parts if not few]
    assert [(r.x, r.y, r.width, r.height) for r in pictures] == [(128, 64, 192, 128)]
    covered = np.zeros((400, 600), int)
    for rect, _ in parts:
        covered[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width] += 1
    assert (covered == 1).all()


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 80), st.integers(0, 99))
def test_each_tile_is_what_its_samples_show(
    height: int, width: int, colours: int, seed: int
) -> None:
    pixels = text(height, width, seed)
    pixels[: height // 2, width // 3 :] = noise(height // 2, width - width // 3, colours, seed)
    if -(-height // 64) * -(-width // 64) <= 2:
        return
    for rect, few in split(pixels):
        for y in range(rect.y, rect.bottom, 64):
            for x in range(rect.x, rect.right, 64):
                tile = pixels[y : min(y + 64, rect.bottom) : 4, x : min(x + 64, rect.right)]
                assert is_few_colours(tile) == few
