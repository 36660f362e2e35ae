"""Damage lists: clipped, bounded, newest first."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_capture.core.damage import DamageHistory, tidy
from fanlight_common.core.geometry import Rect, bounding_box
from fanlight_common.protocol.frames import MAX_DAMAGE_ENTRIES, MAX_DAMAGE_RECTS

rects = st.lists(
    st.builds(
        Rect,
        st.integers(-300, 300),
        st.integers(-300, 300),
        st.integers(0, 300),
        st.integers(0, 300),
    ),
    max_size=40,
)


def pixels(found: list[Rect]) -> set[tuple[int, int]]:
    return {
        (x, y)
        for r in found
        for x in range(r.x, r.x + r.width, 7)
        for y in range(r.y, r.y + r.height, 7)
    }


@given(rects)
def test_nothing_inside_the_desk_is_lost(found: list[Rect]) -> None:
    kept = tidy(found, 200, 100)
    assert len(kept) <= MAX_DAMAGE_RECTS
    for rect in kept:
        assert rect.width > 0
        assert rect.height > 0
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.x + rect.width <= 200
        assert rect.y + rect.height <= 100
    for x, y in pixels(found):
        if 0 <= x < 200 and 0 <= y < 100:
            assert any(r.x <= x < r.x + r.width and r.y <= y < r.y + r.height for r in kept)


def test_too_many_become_their_bounding_box() -> None:
    many = [Rect(10 * i, 5, 4, 4) for i in range(MAX_DAMAGE_RECTS + 1)]
    assert tidy(many, 1000, 1000) == (bounding_box(many),)


def test_history_is_newest_first_and_bounded() -> None:
    history = DamageHistory()
    assert history.entries == ()
    for i in range(MAX_DAMAGE_ENTRIES + 3):
        history.add([Rect(i, 0, 1, 1)])
    assert len(history.entries) == MAX_DAMAGE_ENTRIES
    assert history.entries[0] == (Rect(MAX_DAMAGE_ENTRIES + 2, 0, 1, 1),)
    history.reset()
    assert history.entries == ()
