"""Blurry places become sharp: text before pictures, as far as the means allow."""

import io

import numpy as np
import pytest
from PIL import Image as Pictures

from fanlight_common.core.geometry import Rect, Size
from fanlight_common.core.prices import Prices
from fanlight_common.core.sharpness import TILE, SharpnessLedger
from fanlight_common.patching.images import Effort
from fanlight_common.patching.pixels import Pixels
from fanlight_common.patching.refining import Refinement, refine
from fanlight_common.protocol.patch import Image
from tests.common.patching.drawn import noise, text

SIZE = Size(10 * TILE, 5 * TILE)
PHOTO = Rect(2 * TILE, TILE, 3 * TILE, 2 * TILE)


@pytest.fixture
def pixels() -> Pixels:
    page = text(SIZE.height, SIZE.width)
    page[PHOTO.y : PHOTO.bottom, PHOTO.x : PHOTO.right] = noise(PHOTO.height, PHOTO.width)
    return page


def blurred() -> SharpnessLedger:
    ledger = SharpnessLedger(SIZE)
    ledger.blur()
    return ledger


def all_of_it(pixels: Pixels, ledger: SharpnessLedger, means: Refinement) -> list[list[Image]]:
    units, prices = [], Prices()
    while ledger.blurry:
        units.append(refine(pixels, ledger, prices, means))
        assert len(units) < 200
    return units


def is_exact(image: Image, pixels: Pixels) -> bool:
    with Pictures.open(io.BytesIO(image.data)) as opened:
        rgb = np.asarray(opened.convert("RGB"))
    shown = pixels[image.y : image.y + image.height, image.x : image.x + image.width, 2::-1]
    return bool((rgb == shown).all())


@pytest.mark.parametrize("effort", Effort)
@pytest.mark.parametrize("most_rows", [1, 5])
def test_text_comes_first_and_is_exact(pixels: Pixels, effort: Effort, most_rows: int) -> None:
    means = Refinement(6000, effort, most_rows=most_rows)
    units = all_of_it(pixels, blurred(), means)
    images = [image for unit in units for image in unit]
    exact = [is_exact(image, pixels) for image in images]
    assert exact == sorted(exact, reverse=True)
    pictures = [image for image, is_text in zip(images, exact, strict=True) if not is_text]
    assert sum(image.width * image.height for image in pictures) == PHOTO.area
    assert sum(image.width * image.height for image in images) == SIZE.width * SIZE.height


def test_a_unit_is_not_far_above_its_means(pixels: Pixels) -> None:
    means = Refinement(3000, Effort.SMALL)
    for unit in all_of_it(pixels, blurred(), means):
        tiles = [image for image in unit if image.width * image.height > TILE**2]
        assert sum(len(image.data) for image in tiles) <= (0.6 + 1.3) * 3000


def test_pictures_that_are_good_enough_take_no_bytes(pixels: Pixels) -> None:
    ledger = blurred()
    units = all_of_it(pixels, ledger, Refinement(10**6, Effort.FAST, pictures=False))
    assert sum(image.width * image.height for image in units[0]) == 50 * TILE**2 - PHOTO.area


def test_only_what_may_be_refined_and_not_after_the_time(pixels: Pixels) -> None:
    ledger, among = blurred(), bytes([0] * 40 + [1] * 10)
    images = refine(pixels, ledger, Prices(), Refinement(10**6, Effort.FAST), among)
    assert [(image.y, image.height, image.width) for image in images] == [(256, 64, 640)]
    assert refine(pixels, ledger, Prices(), Refinement(10**6, Effort.FAST), among) == []
    late = Refinement(10**6, Effort.FAST, most_s=0)
    assert refine(pixels, ledger, Prices(), late) == []
    assert len(ledger.unsettled()) == 40
