"""Copies and rectangles that turn one picture into the next."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fanlight_common.core.geometry import Rect, area, overlap
from fanlight_common.patching.changes import Changes, find_changes, to_compare
from fanlight_common.patching.pixels import Pixels, part
from tests.common.patching.drawn import text

WIDTH, HEIGHT = 900, 600
WHOLE = Rect(0, 0, WIDTH, HEIGHT)


def done(before: Pixels, after: Pixels, changes: Changes) -> Pixels:
    """Return the picture of a viewer that has carried out the changes."""
    picture = before.copy()
    for copy in changes.copies:
        source = Rect(copy.from_x, copy.from_y, copy.width, copy.height)
        target = Rect(copy.x, copy.y, copy.width, copy.height)
        part(picture, target)[...] = part(picture, source).copy()
    for rect in changes.rects:
        part(picture, rect)[...] = part(after, rect)
    return picture


def scroll(pixels: Pixels, rect: Rect, rows: int, seed: int) -> None:
    view = part(pixels, rect)
    if not 0 < rows < rect.height:
        return
    view[:-rows] = view[rows:].copy()
    view[-rows:] = text(rows, rect.width, seed)


def test_a_scroll_is_a_copy_and_the_new_line() -> None:
    before = text(HEIGHT, WIDTH)
    after = before.copy()
    scroll(after, Rect(50, 50, 800, 480), 17, 7)
    changes = find_changes(before, after, [WHOLE])
    (copy,) = changes.copies
    assert (copy.height, copy.from_y - copy.y) == (463, 17)
    assert [rect.height for rect in changes.rects] == [17]
    assert (done(before, after, changes) == after).all()


def test_two_windows_that_scroll_by_themselves() -> None:
    before = text(HEIGHT, WIDTH)
    after = before.copy()
    scroll(after, Rect(0, 50, 300, 400), 17, 7)
    scroll(after, Rect(500, 50, 300, 400), 34, 8)
    changes = find_changes(before, after, [WHOLE])
    assert sorted(copy.from_y - copy.y for copy in changes.copies) == [17, 34]
    assert area(changes.rects) < 17 * 300 + 34 * 300 + 1
    assert (done(before, after, changes) == after).all()


def test_blank_lines_in_what_scrolls_do_not_part_it() -> None:
    before = text(HEIGHT, WIDTH)
    before[200:260] = 0
    after = before.copy()
    scroll(after, WHOLE, 20, 7)
    changes = find_changes(before, after, [WHOLE])
    assert [copy.height for copy in changes.copies] == [580]
    assert (done(before, after, changes) == after).all()


def test_a_clock_elsewhere_does_not_hide_a_scroll() -> None:
    before = text(HEIGHT, WIDTH)
    after = before.copy()
    scroll(after, Rect(0, 0, 500, 400), 17, 7)
    after[590:, 880:] ^= 255
    changes = find_changes(before, after, [WHOLE])
    assert len(changes.copies) == 1
    assert sorted(rect.height for rect in changes.rects) == [10, 17]
    assert (done(before, after, changes) == after).all()


def test_much_damage_is_compared_as_one() -> None:
    many = [Rect(20 * number, 30 * number, 1, 1) for number in range(18)]
    assert to_compare(many) == [Rect(0, 0, 341, 511)]
    assert to_compare([Rect(5, 5, 0, 9), Rect(1, 1, 2, 2)]) == [Rect(1, 1, 2, 2)]
    assert to_compare([]) == []


PLACES = st.builds(
    lambda x, y, w, h: Rect(x, y, min(w, WIDTH - x), min(h, HEIGHT - y)),
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(2, WIDTH),
    st.integers(2, HEIGHT),
)
STROKES = st.tuples(PLACES, st.sampled_from(["text", "scroll", "invert", "copy"]))


@settings(deadline=None, max_examples=60)
@given(st.lists(STROKES, max_size=5), st.booleans(), st.integers(0, 99))
def test_they_are_exact_whatever_was_drawn(
    strokes: list[tuple[Rect, str]], knows_damage: bool, seed: int
) -> None:
    before = text(HEIGHT, WIDTH, seed)
    after = before.copy()
    for place, how in strokes:
        view = part(after, place)
        if how == "text":
            view[...] = text(place.height, place.width, seed + 1)
        elif how == "invert":
            view[...] ^= 255
        elif how == "copy":
            view[...] = before[: place.height, : place.width]
        else:
            scroll(after, place, min(17, place.height - 1), seed + 2)
    rects = to_compare([place for place, _ in strokes]) if knows_damage else [WHOLE]
    changes = find_changes(before, after, rects)
    assert (done(before, after, changes) == after).all()
    targets = [Rect(copy.x, copy.y, copy.width, copy.height) for copy in changes.copies]
    whole = [*targets, *changes.rects]
    assert not any(overlap(a, b) for a in whole for b in whole if a is not b)
    if np.array_equal(before, after):
        assert not whole
