"""Makes sharp images of places that viewers see blurry: of text first, then of pictures.

Numpy and Pillow, no state, on whatever thread calls. It changes the ledger and the prices that it
is given, and nothing else. Drops nothing: what does not fit stays in the ledger.
"""

import time
from dataclasses import dataclass

from fanlight_common.core.geometry import Rect
from fanlight_common.core.prices import Prices
from fanlight_common.core.sharpness import TILE, Sharpness, SharpnessLedger
from fanlight_common.patching.contents import split
from fanlight_common.patching.images import Effort, encode_lossless, encode_lossy
from fanlight_common.patching.pixels import Pixels, part
from fanlight_common.protocol.patch import Image

SHARP_QUALITY = 88
"""A lossy image of this quality, in its own size, is as good as a picture has to be."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """How much may be refined at once, and how."""

    most_bytes: int
    effort: Effort
    pictures: bool = True
    """Are pictures refined too? Otherwise they count as good enough as they are."""
    most_s: float = float("inf")
    """No further image is begun after this time, seconds."""
    most_rows: int = 1
    """The most rows of tiles in one image."""
    quality: int = SHARP_QUALITY
    """The quality of lossy images, 1 to 100."""
    far_too_much: float = 1.3
    """An image that takes more than this many times the bytes that are left is thrown away, and a
    part of its rectangle is encoded instead."""
    enough: float = 0.6
    """No further image is begun once this part of `most_bytes` is used."""


def refine(
    pixels: Pixels,
    ledger: SharpnessLedger,
    prices: Prices,
    means: Refinement,
    among: bytes | None = None,
) -> list[Image]:
    """Return images of some of the tiles that are to be sent again. Notes that in `ledger`.

    `among`: see `SharpnessLedger.next_run`. An empty list means that none of these tiles is worth
    an image; the ledger may have changed all the same.
    """
    images: list[Image] = []
    size_bytes = 0
    ends_at = time.perf_counter() + means.most_s
    while size_bytes < means.enough * means.most_bytes and time.perf_counter() < ends_at:
        left = means.most_bytes - size_bytes
        run = ledger.next_run(_tiles(prices, left, lossless=True), among, means.most_rows)
        if run is not None and run.state is Sharpness.WAITING:
            run = ledger.next_run(_tiles(prices, left, lossless=False), among, means.most_rows)
        if run is None:
            break
        picture = run.state is Sharpness.WAITING
        whole = Rect(0, 0, run.rect.width, run.rect.height)
        kinds = [(whole, False)] if picture else split(part(pixels, run.rect))
        for inner, few in kinds:
            rect = inner.moved(run.rect.x, run.rect.y)
            if not few and not picture:
                # It is a picture. It waits, because text comes first, or it is good enough.
                wanted = means.pictures and run.state is Sharpness.BLURRY
                (ledger.defer if wanted else ledger.suffice)(rect)
                continue
            if size_bytes >= means.most_bytes:
                break
            left = means.most_bytes - size_bytes
            image = _fitting(pixels, rect, prices, left, means, lossless=few)
            rect = Rect(image.x, image.y, image.width, image.height)
            (ledger.sharpen if few else ledger.suffice)(rect)
            images.append(image)
            size_bytes += len(image.data)
    return images


def image_of(
    pixels: Pixels,
    rect: Rect,
    prices: Prices,
    effort: Effort,
    *,
    lossless: bool,
    quality: int = SHARP_QUALITY,
) -> Image:
    """Return an image of a rectangle, exact or of this quality. `prices` learns from it."""
    if lossless:
        format_, data = encode_lossless(part(pixels, rect), effort)
    else:
        format_, data = encode_lossy(part(pixels, rect), quality, effort=effort)
    prices.paid(rect.area, len(data), lossless=lossless)
    return Image(rect.x, rect.y, rect.width, rect.height, format_, data)


def _tiles(prices: Prices, size_bytes: int, *, lossless: bool) -> int:
    return prices.px_for(size_bytes, lossless=lossless) // TILE**2


def _fitting(
    pixels: Pixels,
    rect: Rect,
    prices: Prices,
    most_bytes: int,
    means: Refinement,
    *,
    lossless: bool,
) -> Image:
    """Return the image of `rect`, or of its top left part if the whole takes far too much."""
    while True:
        image = image_of(
            pixels, rect, prices, means.effort, lossless=lossless, quality=means.quality
        )
        if len(image.data) <= means.far_too_much * most_bytes or max(rect[2:]) <= TILE:
            return image
        columns, rows = -(-rect.width // TILE), -(-rect.height // TILE)
        if rows > 1:
            rect = Rect(rect.x, rect.y, rect.width, rows // 2 * TILE)
        else:
            rect = Rect(rect.x, rect.y, columns // 2 * TILE, rect.height)
