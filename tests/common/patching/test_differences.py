"""Differences: every pixel that differs is in a tight rectangle, and they do not overlap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanlight_common.core.geometry import Rect, intersection, overlap
from fanlight_common.patching.differences import COLUMN_GAP, ROW_GAP, mask_of, rects_of
from fanlight_common.patching.pixels import Pixels, part

WIDTH, HEIGHT = 400, 300
WHOLE = Rect(0, 0, WIDTH, HEIGHT)


def found(before: Pixels, after: Pixels, rect: Rect = WHOLE) -> list[Rect]:
    mask = mask_of(before, after, rect)
    rects = [] if mask is None else rects_of(mask)
    return [each.moved(rect.x, rect.y) for each in rects]


def blank() -> Pixels:
    return np.zeros((HEIGHT, WIDTH, 4), np.uint8)


def test_rectangles_are_what_really_differs() -> None:
    before, after = blank(), blank()
    assert found(before, after) == []
    after[5, 7] = after[8, 20] = 1
    after[60:70, 90:] = 1
    rects = [Rect(7, 5, 14, 4), Rect(90, 60, WIDTH - 90, 10)]
    assert found(before, after) == rects
    assert found(before, after, Rect(0, 0, WIDTH, 40)) == rects[:1]
    assert found(before, after, Rect(8, 6, 392, 294)) == [Rect(20, 8, 1, 1), rects[1]]


def test_what_is_far_apart_is_two_rectangles() -> None:
    before, after = blank(), blank()
    after[10:30, 10:20] = 1
    after[12:15, 20 + COLUMN_GAP : 22 + COLUMN_GAP] = 1
    after[30 + ROW_GAP, 5] = 1
    assert found(before, after) == [
        Rect(10, 10, 10, 20),
        Rect(20 + COLUMN_GAP, 12, 2, 3),
        Rect(5, 30 + ROW_GAP, 1, 1),
    ]
    after[20, 19 + COLUMN_GAP] = after[29 + ROW_GAP, 5] = 1
    assert len(found(before, after)) == 1


@pytest.mark.parametrize("height", [100, 300])
def test_x_is_no_difference(height: int) -> None:
    before, after = blank()[:height], blank()[:height]
    rect = Rect(0, 0, WIDTH, height)
    after[..., 3] = 7
    assert found(before, after, rect) == []
    after[50, 60] = 1
    assert found(before, after, rect) == [Rect(60, 50, 1, 1)]


RECTS = st.builds(
    lambda x, y, w, h: Rect(x, y, min(w, WIDTH - x), min(h, HEIGHT - y)),
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, 120),
    st.integers(1, 60),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(RECTS, max_size=6), RECTS, st.booleans())
def test_nothing_is_missed_and_every_rectangle_is_tight(
    drawn: list[Rect], rect: Rect, everywhere: bool
) -> None:
    before, after = blank(), blank()
    for number, place in enumerate(drawn):
        part(after, place)[...] = number + 1
    rect = WHOLE if everywhere else rect
    rects = found(before, after, rect)
    differs = (before != after).any(axis=2)
    outside = part(differs, rect).copy()
    for each in rects:
        assert intersection(rect, each) == each
        inside = differs[each.y : each.bottom, each.x : each.right]
        for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
            assert edge.any()
        outside[each.y - rect.y : each.bottom - rect.y, each.x - rect.x : each.right - rect.x] = (
            False
        )
    assert not outside.any()
    assert not any(overlap(a, b) for a in rects for b in rects if a is not b)
    assert bool(rects) == any(intersection(place, rect) for place in drawn)
