"""The copy of the picture that viewers have."""

import numpy as np
import pytest
from numpy.typing import NDArray

from fanlight_common.core.geometry import Rect, Size
from fanlight_encoder.units.shadow import Shadow

SIZE = Size(100, 80)
WHOLE = Rect(0, 0, 100, 80)


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.zeros((80, 100, 4), np.uint8)


def current(picture: NDArray[np.uint8]) -> Shadow:
    shadow = Shadow(SIZE)
    assert not shadow.current
    shadow.catch_up(picture)
    assert not shadow.current, "not before somebody says that it was read whole"
    shadow.caught_up()
    assert shadow.current
    return shadow


def test_it_catches_up_where_it_fell_behind(picture: NDArray[np.uint8]) -> None:
    shadow = current(picture)
    picture[:] = 9
    shadow.fall_behind([Rect(0, 0, 10, 10)])
    assert not shadow.current
    shadow.catch_up(picture)
    assert int(shadow.pixels.sum()) == 10 * 10 * 4 * 9
    for rects in (None, [Rect(x, 0, 1, 1) for x in range(100)], [WHOLE, WHOLE]):
        shadow.fall_behind(rects)
        shadow.catch_up(picture)
        assert (shadow.pixels == 9).all()
