"""Units, trace files and timelines."""

from itertools import islice

import pytest

from tests.netlab import units
from tests.netlab.model import Conditions
from tests.netlab.trace import Step, parse, timeline


def test_units() -> None:
    assert [units.rate_mbit(text) for text in ("1mbit", "500kbit", "2.5Mbit", "1gbit", "none")] == [
        1, 0.5, 2.5, 1000, None,
    ]  # fmt: skip
    assert [units.time_ms(text) for text in ("100ms", "1.5s", "250us")] == [100, 1500, 0.25]
    assert [units.share(text) for text in ("2%", "0.02", "0")] == [0.02, 0.02, 0]


@pytest.mark.parametrize(
    ("read", "text"),
    [(units.rate_mbit, "1"), (units.rate_mbit, "-1mbit"), (units.time_ms, "100"),
     (units.time_ms, "ms"), (units.share, "2 percent"), (units.yes, "true")],
)  # fmt: skip
def test_what_is_no_unit_is_named(read: object, text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}'"):
        read(text)  # type: ignore[operator]


def test_a_trace_file() -> None:
    lines = """# a train
seconds, rate, delay, loss, up_rate, cut
20, 10mbit, 20ms, 0%, 1mbit,

5, , , 2%, , yes
1, none, , , , no
""".splitlines()
    down, up = Conditions(queue_ms=100), Conditions(queue_ms=200)
    assert parse(lines, down, up) == [
        Step(20, Conditions(10, 20, queue_ms=100), Conditions(1, 20, queue_ms=200)),
        Step(5, Conditions(10, 20, loss=0.02, queue_ms=100, cut=True),
             Conditions(1, 20, loss=0.02, queue_ms=200, cut=True)),
        Step(1, Conditions(None, 20, loss=0.02, queue_ms=100),
             Conditions(None, 20, loss=0.02, queue_ms=200)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["rate", "1mbit"], "row 1 of the trace has no 'seconds'"),
        (["seconds,rate", "1,1mbit", "1,fast"], "row 2 of the trace: 'fast' is not a rate"),
        (["seconds,speed", "1,1mbit"], "'speed' is none of rate, delay"),
        (["seconds", "0"], "seconds is 0.0, not above 0"),
        (["seconds", "1,2"], "row 1 of the trace"),
        (["seconds,rate"], "no rows"),
    ],
)
def test_a_wrong_trace_file_is_explained(lines: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(lines, Conditions(), Conditions())


def test_timelines() -> None:
    good, bad = Step(2, Conditions(), Conditions()), Step(1, Conditions(1), Conditions(1))
    assert list(timeline([good, bad], 10, again=False)) == [(10, good), (12, bad)]
    assert list(islice(timeline([good, bad], 10, again=True), 4)) == [
        (10, good), (12, bad), (13, good), (15, bad),
    ]  # fmt: skip
    assert list(timeline([], 10, again=True)) == []
