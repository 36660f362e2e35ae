"""Which rows a slot lacks: never fewer than were damaged, and few requests for them."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_capture.core.bands import MAX_BANDS, Band, StaleRows, joined, uncovered
from fanlight_common.core.geometry import Rect

HEIGHT = 1080
WHOLE = (Band(0, HEIGHT),)


def _rows(bands: tuple[Band, ...]) -> set[int]:
    return {row for band in bands for row in range(band.top, band.top + band.rows)}


def _at(top: int, rows: int) -> Rect:
    return Rect(5, top, 7, rows)


def test_new_slots_lack_everything() -> None:
    stale = StaleRows(4, HEIGHT)
    assert [stale.lacking(slot) for slot in range(4)] == [WHOLE] * 4


def test_a_slot_lacks_all_damage_since_it_was_written() -> None:
    stale = StaleRows(2, HEIGHT)
    stale.written(0)
    stale.damaged([_at(100, 20)])
    stale.written(1)
    stale.damaged([_at(500, 10)])
    assert stale.lacking(0) == (Band(100, 20), Band(500, 10))
    assert stale.lacking(1) == (Band(500, 10),)
    stale.written(0)
    assert stale.lacking(0) == ()


def test_after_anything_unexpected_slots_lack_everything() -> None:
    stale = StaleRows(2, HEIGHT)
    stale.written(0)
    stale.forget()
    assert stale.lacking(0) == WHOLE


def test_close_bands_are_one() -> None:
    assert joined([Band(300, 20), Band(100, 20), Band(130, 5)]) == (Band(100, 35), Band(300, 20))
    assert joined([Band(100, 300), Band(120, 20)]) == (Band(100, 300),)


def test_of_too_many_bands_the_nearest_are_joined() -> None:
    tops = [0, 200, 300, 600, 900]
    assert joined(Band(top, 1) for top in tops) == (
        Band(0, 1),
        Band(200, 101),
        Band(600, 1),
        Band(900, 1),
    )


_bands = st.builds(
    lambda top, rows: Band(top, min(rows, HEIGHT - top)),
    st.integers(0, HEIGHT - 1),
    st.integers(1, HEIGHT),
)


@given(st.lists(_bands, max_size=40))
def test_joined_bands_cover_all_and_do_not_overlap(bands: list[Band]) -> None:
    result = joined(bands)
    assert len(result) <= MAX_BANDS
    assert _rows(result) >= _rows(tuple(bands))
    assert len(_rows(result)) == sum(band.rows for band in result)
    assert [band.top for band in result] == sorted(band.top for band in result)


def test_what_was_not_among_the_rows_that_were_asked_for() -> None:
    had = (Band(100, 50), Band(300, 10))
    assert uncovered([], had) == ()
    assert uncovered([Band(100, 50), Band(120, 5), Band(300, 10)], had) == ()
    assert uncovered([Band(99, 2), Band(140, 11), Band(305, 5), Band(200, 1)], had) == (
        Band(99, 2),
        Band(140, 11),
        Band(200, 1),
    )
    assert uncovered(had, ()) == had
