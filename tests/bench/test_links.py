"""The links of the table."""

import pytest

from bench import links
from tests.netlab.model import Conditions


def test_parse() -> None:
    assert links.parse("none") == links.Link()
    assert links.parse("0.5/200") == links.Link(0.5, 200)
    with pytest.raises(ValueError, match="say none or RATE/RTT"):
        links.parse("5")


def test_the_laboratory_takes_its_conditions() -> None:
    conditions = Conditions(**links.Link(2, 100).conditions)
    assert (conditions.rate_mbit, conditions.delay_ms, conditions.queue_ms) == (2, 50, 500)


def test_words() -> None:
    assert str(links.Link()) == "none (local)"
    assert str(links.Link(0.5, 200)) == "0.5 Mbit/s, 200 ms RTT"
    assert str(links.Link(None, 200)) == "no limit, 200 ms RTT"
