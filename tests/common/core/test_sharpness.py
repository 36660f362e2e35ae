"""Which tiles are blurry."""

import pytest

from fanlight_common.core.geometry import Rect, Size
from fanlight_common.core.sharpness import TILE, Run, Sharpness, SharpnessLedger
from fanlight_common.protocol.patch import Copy

SIZE = Size(300, 150)  # 5 x 3 tiles; the last column 44 wide, the last row 22 high


def runs(ledger: SharpnessLedger) -> list[Run]:
    """All of them, in order; sharp after that."""
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


def test_blur_moves_with_what_is_copied() -> None:
    ledger = SharpnessLedger(SIZE)
    ledger.copied(Copy(0, 0, 300, 64, 0, 20))
    assert not ledger.blurry
    ledger.blur()
    ledger.sharpen(Rect(0, 0, 300, 64))
    # What comes from the first row is sharp, what comes from the second is not.
    ledger.copied(Copy(64, 64, TILE, TILE, 0, 0))
    ledger.copied(Copy(192, 0, 30, 30, 192, 70))
    ledger.copied(Copy(0, 130, 10, 10, 0, 0))  # something sharp on what stays blurry around it
    assert [run.rect for run in runs(ledger)] == [
        Rect(192, 0, 64, 64),
        Rect(0, 64, 64, 64),
        Rect(128, 64, 172, 64),
        Rect(0, 128, 300, 22),
    ]


def test_pictures_that_are_copied_are_looked_at_again() -> None:
    ledger = SharpnessLedger(SIZE)
    ledger.suffice(Rect(0, 0, 64, 64))
    ledger.copied(Copy(70, 0, 50, 50, 0, 0))  # a picture on text
    ledger.copied(Copy(10, 10, 20, 20, 200, 0))  # text on a picture
    assert runs(ledger) == [Run(Rect(0, 0, 128, 64), Sharpness.SOFT)]
    ledger.blur()
    ledger.sharpen(Rect(0, 0, 64, 64))
    ledger.suffice(Rect(0, 0, 64, 64))
    ledger.copied(Copy(70, 0, 50, 50, 0, 0))  # a picture on what is blurry anyhow
    ledger.copied(Copy(0, 64, 20, 20, 200, 0))
    assert ledger.next_run(9) == Run(Rect(64, 0, 236, 64), Sharpness.BLURRY)
