"""When a picture is asked for."""

import pytest

from fanlight_screenshot.core import grabs as grabs_module
from fanlight_screenshot.core.grabs import Grabs, GrabTimes
from tests.tables import table

TIMES = GrabTimes(reuse_s=10e-6, retry_s=100e-6)


def test_one_grab_until_it_is_answered_or_overdue() -> None:
    grabs = Grabs(TIMES)
    assert grabs.due(1000)
    grabs.asked(1000)
    assert not grabs.due(1099)
    assert grabs.due(1100)
    grabs.asked(1100)
    grabs.answered(1099)  # It is older than the question.
    assert not grabs.due(1150)
    grabs.answered(1100)
    assert grabs.due(1150)
    grabs.answered(1160)  # Nobody had asked.
    assert grabs.due(1160)


def test_a_picture_is_reused_for_a_moment() -> None:
    assert Grabs(TIMES).oldest_us(1000) == 990


def test_the_table_and_the_code_agree() -> None:
    rows = table(grabs_module.__doc__, 4)
    due = {"idle": "yes", "asked": "no"}
    for state, event, after, due_after in rows:
        grabs, now_us = Grabs(TIMES), 1000
        if state == "asked":
            grabs.asked(now_us)
        match event:
            case "ask":
                grabs.asked(now_us)
            case "fresh":
                grabs.answered(now_us)
            case "old":
                grabs.answered(now_us - 1)
            case "retry":
                now_us += 100
            case _:
                pytest.fail(f"unknown event {event}")
        assert ("yes" if grabs.due(now_us) else "no") == due_after == due[after], (state, event)
    taken = [(state, event) for state, event, *_ in rows]
    assert len(set(taken)) == len(taken), "a row is there twice"
    assert {event for state, event in taken if state == "idle"} == {"ask", "fresh", "old"}
    assert {event for state, event in taken if state == "asked"} == {"fresh", "old", "retry"}
