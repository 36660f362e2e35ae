"""What images will cost, learned from those before them."""

from fanlight_common.core.prices import OVERHEAD_BYTES, Prices


def test_dear_at_once_and_cheap_by_and_by() -> None:
    prices = Prices()
    prices.paid(10_000, 5_080, lossless=True)
    assert prices.guess(10_000, lossless=True) == 5_080
    assert prices.px_for(5_080, lossless=True) == 10_000
    for _ in range(30):
        prices.paid(10_000, 580, lossless=True)
    assert 570 < prices.guess(10_000, lossless=True) < 620
    # This says nothing about images of the other kind.
    assert prices.guess(10_000, lossless=False) == 3_580


def test_tiny_images_tell_nothing_and_no_price_is_zero() -> None:
    prices = Prices()
    prices.paid(10, 500, lossless=True)
    assert prices.guess(10_000, lossless=True) == 1_080
    for _ in range(100):
        prices.paid(10_000, 10, lossless=True)
    assert prices.guess(10_000, lossless=True) > OVERHEAD_BYTES
    assert prices.px_for(10, lossless=True) == 0


def test_fear_of_a_price_wears_off() -> None:
    prices = Prices()
    prices.paid(10_000, 10_000, lossless=True)
    before = prices.guess(10_000, lossless=True)
    for _ in range(100):
        prices.too_dear()
    assert prices.guess(10_000, lossless=True) < before / 10
