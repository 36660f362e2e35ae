"""When a picture is asked for."""

import pytest

from fanlight_screenshot.core import grabs as grabs_module
from fanlight_screenshot.core.grabs import Grabs, GrabTimes
from tests.tables import table

# Powers of two, so that sums of them are exact.
TIMES = GrabTimes(reuse_s=0.25, retry_s=1.0)


def test_one_grab_until_it_is_answered_or_overdue() -> None:
    grabs = Grabs(TIMES)
    assert grabs.due(10.0)
    grabs.asked(10.0)
    assert not grabs.due(10.875)
    assert grabs.due(11.0)
    grabs.asked(11.0)
    grabs.answered(10.875)  # It is older than the question.
    assert not grabs.due(11.5)
    grabs.answered(11.0)
    assert grabs.due(11.5)
    grabs.answered(11.625)  # Nobody had asked.
    assert grabs.due(11.625)


def test_a_picture_is_reused_for_a_moment() -> None:
    assert Grabs(TIMES).oldest_s(10.0) == 9.75


def test_the_table_and_the_code_agree() -> None:
    rows = table(grabs_module.__doc__, 4)
    due = {"idle": "yes", "asked": "no"}
    for state, event, after, due_after in rows:
        grabs, now_s = Grabs(TIMES), 10.0
        if state == "asked":
            grabs.asked(now_s)
        match event:
            case "ask":
                grabs.asked(now_s)
            case "fresh":
                grabs.answered(now_s)
            case "old":
                grabs.answered(now_s - 0.125)
            case "retry":
                now_s += TIMES.retry_s
            case _:
                pytest.fail(f"unknown event {event}")
        assert ("yes" if grabs.due(now_s) else "no") == due_after == due[after], (state, event)
    taken = [(state, event) for state, event, *_ in rows]
    assert len(set(taken)) == len(taken), "a row is there twice"
    assert {event for state, event in taken if state == "idle"} == {"ask", "fresh", "old"}
    assert {event for state, event in taken if state == "asked"} == {"fresh", "old", "retry"}
