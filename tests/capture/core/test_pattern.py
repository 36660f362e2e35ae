"""The synthetic picture."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_capture.core import pattern
from fanlight_common.core.geometry import Rect
from tests.capture.barcode import read_number


@given(st.integers(0, 2**30 - 1), st.integers(256, 500), st.integers(192, 400))
def test_the_pattern_can_be_read_and_says_what_it_changed(
    number: int, width: int, height: int
) -> None:
    background = pattern.base(width, height)
    before, after = bytearray(len(background)), bytearray(len(background))
    pattern.draw(memoryview(before), background, number, width, height)
    pattern.draw(memoryview(after), background, number + 3, width, height)
    assert read_number(before, width, height) == number
    for index, colour in enumerate(pattern.COLOURS):
        x, y = pattern.colour_centre(index, width, height)
        at = 4 * (y * width + x)
        assert before[at : at + 4] == pattern.bgrx(colour)
    for rect in pattern.changed(number, number + 3, width, height):
        for y in range(rect.y, rect.y + rect.height):
            row = slice(4 * (y * width + rect.x), 4 * (y * width + rect.x + rect.width))
            before[row] = after[row]
    assert before == after


def test_the_pattern_at_rest() -> None:
    assert pattern.changed(5, 5, 300, 200) == ()
    assert pattern.barcode_area(200) == Rect(0, 192, 256, 8)
    assert read_number(bytes(4 * 300 * 200), 300, 200) is None
