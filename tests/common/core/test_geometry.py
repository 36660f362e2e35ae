"""The helpers for rectangles, against sets of pixels."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.geometry import (
    Rect,
    Size,
    area,
    at_most,
    between,
    bounding_box,
    clipped,
    disjoint,
    intersection,
    overlap,
    pixels_of,
    tiles_inside,
    tiles_touched,
    without,
)

RECT = st.builds(
    Rect, st.integers(0, 40), st.integers(0, 40), st.integers(1, 20), st.integers(1, 20)
)
RECTS = st.lists(RECT, max_size=12)
MAYBE_EMPTY = st.builds(
    Rect, st.integers(-20, 40), st.integers(-20, 40), st.integers(0, 20), st.integers(0, 20)
)


def pixels(rects: list[Rect]) -> set[tuple[int, int]]:
    return {
        (x, y)
        for rect in rects
        for x in range(rect.x, rect.right)
        for y in range(rect.y, rect.bottom)
    }


def test_edges_and_area() -> None:
    rect = Rect(3, 5, 10, 20)
    assert (rect.right, rect.bottom, rect.area) == (13, 25, 200)
    assert between(3, 5, 13, 25) == rect
    assert rect.moved(-3, 1) == Rect(0, 6, 10, 20)
    assert bounding_box([Rect(1, 2, 3, 4), Rect(10, 0, 1, 1)]) == Rect(1, 0, 10, 6)
    assert Size(10, 20).whole == Rect(0, 0, 10, 20)


def test_lines_of_text_are_one_rectangle_and_what_is_far_apart_is_two() -> None:
    lines = [Rect(10, 17 * number, 640, 17) for number in range(24)]
    assert disjoint(lines) == [Rect(10, 0, 640, 408)]
    clock, glyph = Rect(0, 0, 100, 12), Rect(500, 400, 8, 17)
    assert disjoint([glyph, clock, clock]) == [clock, glyph]


def test_what_overlaps_is_joined_even_where_that_wastes() -> None:
    assert disjoint([Rect(0, 0, 100, 2), Rect(0, 0, 2, 100)]) == [Rect(0, 0, 100, 100)]
    corners = [Rect(0, 0, 10, 10), Rect(5, 5, 10, 10), Rect(40, 0, 5, 5), Rect(14, 14, 3, 3)]
    assert disjoint(corners) == [Rect(40, 0, 5, 5), Rect(0, 0, 17, 17)]


@given(RECTS, st.integers(1, 8))
def test_so_many_rectangles_at_most_cover_everything(rects: list[Rect], count: int) -> None:
    found = at_most(count, rects)
    assert len(found) <= count
    assert pixels(found) >= pixels(rects)


@given(RECTS, st.sampled_from([0, 1, 1.25, 3]))
def test_they_cover_everything_and_none_overlaps(rects: list[Rect], waste: float) -> None:
    found = disjoint(rects, waste)
    assert pixels(found) >= pixels(rects)
    assert len(pixels(found)) == area(found)
    assert not any(overlap(a, b) for a in found for b in found if a is not b)
    if rects:
        assert bounding_box(found) == bounding_box(rects)


@given(MAYBE_EMPTY, MAYBE_EMPTY)
def test_two_rectangles_are_as_their_pixels_are(one: Rect, other: Rect) -> None:
    mine, theirs = pixels([one]), pixels([other])
    both = intersection(one, other)
    assert (pixels([both]) if both else set()) == mine & theirs
    rest = without(one, other)
    assert pixels(rest) == mine - theirs
    assert area(rest) == len(mine - theirs) or not mine
    if mine and theirs:
        assert overlap(one, other) == bool(mine & theirs)


@given(st.lists(MAYBE_EMPTY, max_size=6))
def test_clipping_keeps_what_is_inside(rects: list[Rect]) -> None:
    desk = Rect(0, 0, 30, 25)
    kept = clipped(rects, desk)
    assert pixels(kept) == pixels(rects) & pixels([desk])
    assert all(rect.area > 0 and intersection(desk, rect) == rect for rect in kept)


@given(RECT, st.integers(1, 9), st.integers(1, 9), st.integers(3, 8))
def test_tiles_of_a_grid(rect: Rect, more_right: int, more_down: int, tile: int) -> None:
    size = Size(rect.right + more_right - 1, rect.bottom + more_down - 1)
    columns, rows = -(-size.width // tile), -(-size.height // tile)
    inside, touched = set(), set()
    for x, y in pixels([Rect(0, 0, columns, rows)]):
        of_tile = pixels([pixels_of(Rect(x, y, 1, 1), tile, size)])
        if of_tile & pixels([rect]):
            touched.add((x, y))
        if of_tile <= pixels([rect]):
            inside.add((x, y))
    assert pixels([tiles_touched(rect, tile)]) == touched
    assert pixels([tiles_inside(rect, tile, size)]) == inside
