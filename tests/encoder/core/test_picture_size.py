"""Sizes: what is visible, what is coded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.geometry import Size
from fanlight_encoder.core.picture_size import coded, visible

SIDES = st.integers(1, 16384)
LIMITS = st.builds(Size, st.integers(16, 8192), st.integers(16, 8192))


def test_a_desk_within_the_limit_is_shown_as_it_is_odd_or_not() -> None:
    assert visible(Size(1365, 767), Size(1920, 1080)) == Size(1365, 767)


@pytest.mark.parametrize(
    ("desk", "limit", "expected"),
    [
        (Size(3840, 2160), Size(1920, 1080), Size(1920, 1080)),
        (Size(3840, 1080), Size(1920, 1080), Size(1920, 540)),
        (Size(1080, 3840), Size(1920, 1080), Size(302, 1080)),  # 303.75: even, never larger
        (Size(16384, 1), Size(16, 16), Size(16, 2)),
    ],
)
def test_a_larger_desk_is_scaled_to_fit(desk: Size, limit: Size, expected: Size) -> None:
    assert visible(desk, limit) == expected


@given(st.builds(Size, SIDES, SIDES), LIMITS)
def test_what_is_shown_fits_and_keeps_its_aspect(desk: Size, limit: Size) -> None:
    seen = visible(desk, limit)
    assert seen.width <= limit.width
    assert seen.height <= limit.height
    if seen != desk and min(seen.width, seen.height) > 2:
        # Each side was rounded to an even number.
        assert abs(seen.width * desk.height - seen.height * desk.width) <= 2 * max(
            desk.width, desk.height
        )


@given(st.builds(Size, SIDES, SIDES))
def test_what_is_coded_is_even_and_at_most_one_more(seen: Size) -> None:
    size = coded(seen)
    assert size.width % 2 == size.height % 2 == 0
    assert size.width - seen.width in (0, 1)
    assert size.height - seen.height in (0, 1)
