"""Levels, against table A-1 of the standard."""

import pytest

from fanlight_common.core.geometry import Size
from fanlight_encoder.core.h264_levels import HIGHEST, level_of


@pytest.mark.parametrize(
    ("size", "fps", "kbps", "level"),
    [
        (Size(1920, 1080), 60, 16_000, "4.2"),
        (Size(1920, 1080), 30, 16_000, "4.0"),
        (Size(960, 540), 60, 3_000, "3.2"),
        (Size(640, 360), 30, 1_000, "3.0"),
        (Size(4096, 2304), 60, 16_000, "5.2"),
        (Size(4096, 16), 60, 1_000, "4.0"),
        (Size(16384, 8640), 240, 16_000, HIGHEST),
    ],
)
def test_the_lowest_that_holds_it(size: Size, fps: int, kbps: int, level: str) -> None:
    assert level_of(size, fps, kbps) == level
