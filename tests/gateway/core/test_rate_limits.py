"""A token bucket has a rate and a burst; a throttle allows once in its interval."""

from fanlight_gateway.core.rate_limits import Throttle, TokenBucket


def test_token_bucket() -> None:
    bucket = TokenBucket(rate=10, burst=2, now=0)
    assert [bucket.take(0), bucket.take(0), bucket.take(0)] == [True, True, False]
    assert bucket.take(0.1)
    assert not bucket.take(0.1)
    assert [bucket.take(100), bucket.take(100), bucket.take(100)] == [True, True, False]


def test_throttle() -> None:
    throttle = Throttle(1.0)
    assert [throttle.allow(t) for t in (0, 0.9, 1.0, 1.5, 5)] == [True, False, True, False, True]
