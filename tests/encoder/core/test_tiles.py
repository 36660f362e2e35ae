"""Which tiles are blurry."""

import pytest

from fanlight_common.core.geometry import Rect
from fanlight_common.protocol.patch import Copy
from fanlight_encoder.core.picture_size import Size
from fanlight_encoder.core.tiles import TILE, Run, State, Tiles

SIZE = Size(300, 150)  # 5 x 3 tiles; the last column 44 wide, the last row 22 high


def runs(tiles: Tiles) -> list[Run]:
    """All of them, in order; sharp after that."""
    found = []
    while (run := tiles.next_run(99)) is not None:
        found.append(run)
        tiles.sharpen(run.rect)
    return found


def blurred() -> Tiles:
    tiles = Tiles(SIZE)
    tiles.blur()
    return tiles


def test_sharp_at_first_and_all_in_question_after_video() -> None:
    assert not Tiles(SIZE).blurry
    tiles = blurred()
    assert tiles.blurry
    assert runs(tiles) == [
        Run(Rect(0, y, 300, height), State.BLURRY) for y, height in ((0, 64), (64, 64), (128, 22))
    ]
    assert not tiles.blurry


def test_no_more_tiles_than_asked_for_and_one_at_least() -> None:
    tiles = blurred()
    assert tiles.next_run(2) == Run(Rect(0, 0, 128, 64), State.BLURRY)
    assert tiles.next_run(0) == Run(Rect(0, 0, 64, 64), State.BLURRY)


def test_an_image_settles_the_tiles_that_it_covers() -> None:
    tiles = blurred()
    tiles.sharpen(Rect(60, 0, 300, 128))
    assert [run.rect for run in runs(tiles)] == [
        Rect(0, 0, 64, 64),
        Rect(0, 64, 64, 64),
        Rect(0, 128, 300, 22),
    ]


def test_pictures_come_last_and_may_be_good_enough() -> None:
    tiles = blurred()
    tiles.defer(Rect(0, 0, 128, 64))
    tiles.suffice(Rect(128, 0, 64, 64))
    states = [run.state for run in runs(tiles)]
    assert states == [State.BLURRY] * 3 + [State.PICTURE]


@pytest.mark.parametrize("lossless", [True, False])
def test_what_is_drawn_on_a_picture_is_looked_at_again(lossless: bool) -> None:
    tiles = Tiles(SIZE)
    tiles.suffice(Rect(0, 0, 300, 150))
    assert not tiles.blurry
    tiles.drawn(Rect(10, 10, 64, 20), lossless=lossless)
    assert runs(tiles) == [Run(Rect(0, 0, 128, 64), State.SOFT)]


@pytest.mark.parametrize("lossless", [True, False])
def test_what_is_drawn_on_a_picture_that_waits_may_be_text(lossless: bool) -> None:
    tiles = blurred()
    tiles.defer(Rect(0, 0, 300, 150))
    tiles.drawn(Rect(10, 10, 64, 20), lossless=lossless)
    assert runs(tiles)[0] == Run(Rect(0, 0, 128, 64), State.BLURRY)


def test_what_is_drawn_on_text_stays_sharp_unless_it_is_a_jpeg() -> None:
    tiles = Tiles(SIZE)
    tiles.drawn(Rect(10, 10, 64, 20), lossless=True)
    assert not tiles.blurry
    tiles.drawn(Rect(10, 10, 4, 4), lossless=False)
    assert tiles.blurry
    tiles.drawn(Rect(0, 0, 64, 64), lossless=True)
    assert not tiles.blurry


def test_blur_moves_with_what_is_copied() -> None:
    tiles = Tiles(SIZE)
    tiles.copied(Copy(0, 0, 300, 64, 0, 20))
    assert not tiles.blurry
    tiles.blur()
    tiles.sharpen(Rect(0, 0, 300, 64))
    # What comes from the first row is sharp, what comes from the second is not.
    tiles.copied(Copy(64, 64, TILE, TILE, 0, 0))
    tiles.copied(Copy(192, 0, 30, 30, 192, 70))
    tiles.copied(Copy(0, 130, 10, 10, 0, 0))  # something sharp on what stays blurry around it
    assert [run.rect for run in runs(tiles)] == [
        Rect(192, 0, 64, 64),
        Rect(0, 64, 64, 64),
        Rect(128, 64, 172, 64),
        Rect(0, 128, 300, 22),
    ]


def test_pictures_that_are_copied_are_looked_at_again() -> None:
    tiles = Tiles(SIZE)
    tiles.suffice(Rect(0, 0, 64, 64))
    tiles.copied(Copy(70, 0, 50, 50, 0, 0))  # a picture on text
    tiles.copied(Copy(10, 10, 20, 20, 200, 0))  # text on a picture
    assert runs(tiles) == [Run(Rect(0, 0, 128, 64), State.SOFT)]
    tiles.blur()
    tiles.sharpen(Rect(0, 0, 64, 64))
    tiles.suffice(Rect(0, 0, 64, 64))
    tiles.copied(Copy(70, 0, 50, 50, 0, 0))  # a picture on what is blurry anyhow
    tiles.copied(Copy(0, 64, 20, 20, 200, 0))
    assert tiles.next_run(9) == Run(Rect(64, 0, 236, 64), State.BLURRY)
