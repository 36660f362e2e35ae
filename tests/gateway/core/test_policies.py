"""The small pure modules: rate_limits and mailbox."""

from fanlight_gateway.core.mailbox import MAX_PONGS, Mailbox
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


def test_the_mailbox_keeps_the_newest_of_each_kind_and_pongs_go_first() -> None:
    box = Mailbox()
    assert box.next() is None
    box.put("desk", "old")
    box.put("position", b"1")
    box.put("desk", "new")
    for number in range(MAX_PONGS + 5):
        box.pong(bytes([number]))
    taken = []
    while (message := box.next()) is not None:
        taken.append(message)
    assert taken == [*(bytes([n]) for n in range(5, MAX_PONGS + 5)), "new", b"1"]
