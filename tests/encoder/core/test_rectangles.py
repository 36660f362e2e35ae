"""Rectangles of damage."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.geometry import Rect
from fanlight_encoder.core.rectangles import area, around, at_most, disjoint, overlap

RECTS = st.lists(
    st.builds(Rect, st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20)),
    max_size=12,
)


def test_lines_of_text_are_one_box_and_what_is_far_apart_is_two() -> None:
    lines = [Rect(10, 17 * number, 640, 17) for number in range(24)]
    assert disjoint(lines) == [Rect(10, 0, 640, 408)]
    clock, glyph = Rect(0, 0, 100, 12), Rect(500, 400, 8, 17)
    assert disjoint([glyph, clock, clock]) == [clock, glyph]


def test_what_overlaps_is_joined_even_where_that_wastes() -> None:
    assert disjoint([Rect(0, 0, 100, 2), Rect(0, 0, 2, 100)]) == [Rect(0, 0, 100, 100)]


def pixels(rects: list[Rect]) -> set[tuple[int, int]]:
    return {
        (x, y)
        for rect in rects
        for x in range(rect.x, rect.x + rect.width)
        for y in range(rect.y, rect.y + rect.height)
    }


@given(RECTS, st.integers(1, 8))
def test_so_many_boxes_at_most_cover_everything(rects: list[Rect], count: int) -> None:
    boxes = at_most(count, rects)
    assert len(boxes) <= count
    assert pixels(boxes) >= pixels(rects)


@given(RECTS)
def test_boxes_cover_everything_and_none_overlaps(rects: list[Rect]) -> None:
    boxes = disjoint(rects)
    assert pixels(boxes) >= pixels(rects)
    assert len(pixels(boxes)) == area(boxes)
    assert not any(overlap(a, b) for a in boxes for b in boxes if a is not b)
    if rects:
        assert around(boxes) == around(rects)
