"""Finding scrolls, and no scroll that did not happen."""

import numpy as np
import pytest

from fanlight_common.patching.scrolling import Scroll, find_scroll
from tests.common.patching.drawn import text


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
    assert find_scroll(before, after) == wanted


def test_scroll_between_a_title_and_a_status_line() -> None:
    before = text(480, 300)
    after = before.copy()
    after[20:440] = before[40:460]
    after[440:460] = text(20, 300, 9)
    assert find_scroll(before, after) == Scroll(20, 20, 440)


def test_scroll_is_exact_between_the_columns_that_vote() -> None:
    before = text(480, 300)
    after = before.copy()
    after[:460] = before[20:]
    after[300, 6] ^= 0x55  # a pixel that no hash covers
    scroll = find_scroll(before, after)
    assert scroll == Scroll(20, 0, 300)


def test_no_scroll() -> None:
    page = text(480, 300)
    assert find_scroll(page, page) is None
    assert find_scroll(page, text(480, 300, 2)) is None
    assert find_scroll(page, page[:400]) is None
    assert find_scroll(page[:10], page[1:11]) is None
    blank = np.zeros_like(page)
    assert find_scroll(blank, blank) is None
    little = text(480, 300, 3)
    little[100:130] = page[150:180]
    assert find_scroll(page, little) is None  # too few rows to pay
    other = text(480, 300, 4)
    other[::2, ::4] = page[[(row + 2) % 480 for row in range(0, 480, 2)], ::4]
    assert find_scroll(page, other) is None  # only the columns that vote have scrolled


def test_x_is_no_part_of_a_row() -> None:
    before, after = text(480, 1200), text(480, 1200, 2)
    after[:460] = before[20:]
    after[..., 3] = np.random.default_rng(1).integers(0, 256, (480, 1200))
    assert find_scroll(before, after) == Scroll(20, 0, 460)
