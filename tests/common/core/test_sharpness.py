"""The sharpness ledger: which tiles are to be sent again."""

import pytest

from fanlight_common.core import sharpness
from fanlight_common.core.geometry import Rect, Size
from fanlight_common.core.sharpness import TILE, Run, Sharpness, SharpnessLedger
from fanlight_common.protocol.patch import Copy

SIZE = Size(300, 150)  # 5 x 3 tiles; the last column 44 wide, the last row 22 high


def runs(ledger: SharpnessLedger) -> list[Run]:
    """Return all runs in order, and sharpen them."""
    found = []
    while (run := ledger.next_run(99)) is not None:
        found.append(run)
        ledger.sharpen(run.rect)
    return found


def blurred() -> SharpnessLedger:
    ledger = SharpnessLedger(SIZE)
    ledger.blur()
    return ledger


def test_sharp_at_first_and_all_in_question_after_video() -> None:
    assert not SharpnessLedger(SIZE).blurry
    ledger = blurred()
    assert ledger.blurry
    assert runs(ledger) == [
        Run(Rect(0, y, 300, height), Sharpness.BLURRY)
        for y, height in ((0, 64), (64, 64), (128, 22))
    ]
    assert not ledger.blurry


def test_no_more_tiles_than_asked_for_and_one_at_least() -> None:
    ledger = blurred()
    assert ledger.next_run(2) == Run(Rect(0, 0, 128, 64), Sharpness.BLURRY)
    assert ledger.next_run(0) == Run(Rect(0, 0, 64, 64), Sharpness.BLURRY)


def test_an_image_settles_the_tiles_that_it_covers() -> None:
    ledger = blurred()
    ledger.sharpen(Rect(60, 0, 300, 128))
    assert [run.rect for run in runs(ledger)] == [
        Rect(0, 0, 64, 64),
        Rect(0, 64, 64, 64),
        Rect(0, 128, 300, 22),
    ]


def test_pictures_come_last_and_may_be_good_enough() -> None:
    ledger = blurred()
    ledger.defer(Rect(0, 0, 128, 64))
    ledger.suffice(Rect(128, 0, 64, 64))
    states = [run.state for run in runs(ledger)]
    assert states == [Sharpness.BLURRY] * 3 + [Sharpness.WAITING]


@pytest.mark.parametrize("lossless", [True, False])
def test_what_is_drawn_on_a_picture_is_looked_at_again(lossless: bool) -> None:
    ledger = SharpnessLedger(SIZE)
    ledger.suffice(Rect(0, 0, 300, 150))
    assert not ledger.blurry
    ledger.drawn(Rect(10, 10, 64, 20), lossless=lossless)
    assert runs(ledger) == [Run(Rect(0, 0, 128, 64), Sharpness.SOFT)]


@pytest.mark.parametrize("lossless", [True, False])
def test_what_is_drawn_on_a_picture_that_waits_may_be_text(lossless: bool) -> None:
    ledger = blurred()
    ledger.defer(Rect(0, 0, 300, 150))
    ledger.drawn(Rect(10, 10, 64, 20), lossless=lossless)
    assert runs(ledger)[0] == Run(Rect(0, 0, 128, 64), Sharpness.BLURRY)


def test_what_is_drawn_on_text_stays_sharp_unless_it_is_a_jpeg() -> None:
    ledger = SharpnessLedger(SIZE)
    ledger.drawn(Rect(10, 10, 64, 20), lossless=True)
    assert not ledger.blurry
    ledger.drawn(Rect(10, 10, 4, 4), lossless=False)
    assert ledger.blurry
    ledger.drawn(Rect(0, 0, 64, 64), lossless=True)
    assert not ledger.blurry


def copied(ledger: SharpnessLedger, copy: Copy) -> None:
    ledger.copied(copy.source, copy.target)


def test_blur_moves_with_what_is_copied() -> None:
    ledger = SharpnessLedger(SIZE)
    copied(ledger, Copy(0, 0, 300, 64, 0, 20))
    assert not ledger.blurry
    ledger.blur()
    ledger.sharpen(Rect(0, 0, 300, 64))
    # The first row of tiles is sharp, and the second is not.
    copied(ledger, Copy(64, 64, TILE, TILE, 0, 0))
    copied(ledger, Copy(192, 0, 30, 30, 192, 70))
    copied(ledger, Copy(0, 130, 10, 10, 0, 0))  # sharp pixels in the middle of a blurry tile
    assert [run.rect for run in runs(ledger)] == [
        Rect(192, 0, 64, 64),
        Rect(0, 64, 64, 64),
        Rect(128, 64, 172, 64),
        Rect(0, 128, 300, 22),
    ]


def test_pictures_that_are_copied_are_looked_at_again() -> None:
    ledger = SharpnessLedger(SIZE)
    ledger.suffice(Rect(0, 0, 64, 64))
    copied(ledger, Copy(70, 0, 50, 50, 0, 0))  # a picture on text
    copied(ledger, Copy(10, 10, 20, 20, 200, 0))  # text on a picture
    assert runs(ledger) == [Run(Rect(0, 0, 128, 64), Sharpness.SOFT)]
    ledger.blur()
    ledger.sharpen(Rect(0, 0, 64, 64))
    ledger.suffice(Rect(0, 0, 64, 64))
    copied(ledger, Copy(70, 0, 50, 50, 0, 0))  # a picture on blurry tiles
    copied(ledger, Copy(0, 64, 20, 20, 200, 0))
    assert ledger.next_run(9) == Run(Rect(64, 0, 236, 64), Sharpness.BLURRY)


TILE_RECT = Rect(0, 0, TILE, TILE)
PART = Rect(10, 10, 20, 20)
EVENTS = {
    "blur: coarse pixels, or video": lambda ledger: ledger.blur(PART),
    "drawn, lossless: all of it": lambda ledger: ledger.drawn(TILE_RECT, lossless=True),
    "drawn, lossless: a part": lambda ledger: ledger.drawn(PART, lossless=True),
    "drawn, a good lossy image": lambda ledger: ledger.drawn(TILE_RECT, lossless=False),
    "sharpen, all of it": lambda ledger: ledger.sharpen(TILE_RECT),
    "defer, all of it": lambda ledger: ledger.defer(TILE_RECT),
    "suffice, all of it": lambda ledger: ledger.suffice(TILE_RECT),
}


def test_the_table_says_what_the_code_does() -> None:
    assert sharpness.__doc__ is not None
    lines = iter(sharpness.__doc__.splitlines())
    states = next(line for line in lines if line.strip().startswith("event")).split()[1:]
    rows = {}
    for line in lines:
        event, cells = line[4:36].strip(), line[36:].split()
        if event in EVENTS:
            rows[event] = cells
    assert rows.keys() == EVENTS.keys()
    for event, do in EVENTS.items():
        for before, after in zip(states, rows[event], strict=True):
            ledger = SharpnessLedger(Size(TILE, TILE))
            ledger._states[0] = Sharpness[before]
            do(ledger)
            wanted = before if after == "-" else after
            assert Sharpness(ledger.states[0]).name == wanted, (event, before)


def test_a_copy_of_a_ledger_is_another_one() -> None:
    ledger = blurred()
    other = ledger.copy()
    assert other.states == ledger.states
    other.sharpen(Rect(0, 0, 300, 150))
    assert not other.blurry
    assert ledger.unsettled() == list(range(15))


def test_a_coarse_image_blurs_what_it_touches() -> None:
    ledger = SharpnessLedger(SIZE)
    ledger.blur(Rect(60, 60, 10, 4))
    assert ledger.unsettled() == [0, 1]
    assert ledger.states == bytes([1, 1]) + bytes(13)


def test_only_the_tiles_that_may_be_taken() -> None:
    ledger = blurred()
    ledger.defer(Rect(0, 0, 64, 64))
    among = bytearray(15)
    assert ledger.next_run(9, bytes(among)) is None
    among[0] = among[7] = among[8] = 1
    assert ledger.next_run(9, bytes(among)) == Run(Rect(128, 64, 128, 64), Sharpness.BLURRY)
    among[7] = among[8] = 0
    assert ledger.next_run(9, bytes(among)) == Run(Rect(0, 0, 64, 64), Sharpness.WAITING)


def test_several_rows_where_they_are_of_one_state() -> None:
    ledger = blurred()
    ledger.sharpen(Rect(0, 128, 64, 22))
    assert ledger.next_run(99, most_rows=9) == Run(Rect(0, 0, 300, 128), Sharpness.BLURRY)
    assert ledger.next_run(9, most_rows=9) == Run(Rect(0, 0, 300, 64), Sharpness.BLURRY)
    ledger.sharpen(Rect(0, 0, 300, 128))
    assert ledger.next_run(99, most_rows=9) == Run(Rect(64, 128, 236, 22), Sharpness.BLURRY)
