"""Messages arrive exactly once and in order, by numbers, acknowledgements and repetition."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.errors import ProtocolError
from fanlight_gateway.core import exchange
from fanlight_gateway.core.exchange import Incoming, Outgoing


def source(count: int, size: int = 1) -> deque[bytes]:
    return deque(bytes([n % 256]) * size for n in range(count))


def fill(out: Outgoing, waiting: deque[bytes]) -> bool:
    """Add messages while there is room. Returns whether there is anything to send."""
    while waiting and out.has_room:
        out.add(waiting.popleft())
    return bool(out.messages)


def test_what_is_not_acknowledged_is_sent_again_with_what_came_since() -> None:
    out, waiting = Outgoing(), source(2)
    assert fill(out, waiting)
    assert (out.first, list(out.messages)) == (1, [b"\0", b"\1"])
    out.acknowledge(0)
    waiting.append(b"new")
    fill(out, waiting)
    assert (out.first, list(out.messages)) == (1, [b"\0", b"\1", b"new"])
    out.acknowledge(2)
    out.acknowledge(1)  # an old acknowledgement that comes late
    assert (out.first, list(out.messages)) == (3, [b"new"])
    out.acknowledge(3)
    assert not fill(out, deque())
    assert out.first == 4


def test_what_was_never_sent_cannot_be_acknowledged() -> None:
    with pytest.raises(ProtocolError):
        Outgoing().acknowledge(1)


@pytest.mark.parametrize("size", [1, exchange.MAX_BYTES // 3])
def test_a_viewer_that_acknowledges_nothing_is_not_kept_everything_for(size: int) -> None:
    out, waiting = Outgoing(), source(1000, size)
    for _ in range(3):
        fill(out, waiting)
    assert len(out.messages) <= exchange.MAX_MESSAGES
    assert sum(map(len, out.messages)) < exchange.MAX_BYTES + size
    out.acknowledge(len(out.messages))
    assert fill(out, waiting)


def test_each_number_is_taken_once() -> None:
    incoming = Incoming()
    assert incoming.accept(1, ["a", "b"]) == ["a", "b"]
    assert incoming.accept(1, ["a", "b"]) == []
    assert incoming.accept(1, ["a", "b", "c"]) == ["c"]
    assert incoming.accept(2, ["b"]) == []  # an old request that comes late
    assert incoming.handled == 3
    assert incoming.accept(4, []) == []
    for first in (5, 0):
        with pytest.raises(ProtocolError):
            incoming.accept(first, ["x"])
    assert incoming.handled == 3


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans())))
def test_whatever_is_lost(rounds: list[tuple[int, bool, bool]]) -> None:
    """The sender keeps what is not acknowledged; requests and answers get lost."""
    incoming, handled, sent = Incoming(), list[str](), 0
    kept: deque[tuple[int, str]] = deque()
    for new, is_lost, answer_is_lost in [*rounds, (0, False, False)]:
        for _ in range(new):
            sent += 1
            kept.append((sent, str(sent)))
        if not kept or is_lost:
            continue
        handled += map(str, incoming.accept(kept[0][0], [text for _, text in kept]))
        if not answer_is_lost:
            while kept and kept[0][0] <= incoming.handled:
                kept.popleft()
    assert handled == [str(n + 1) for n in range(sent)]
