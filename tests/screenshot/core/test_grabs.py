"""When a picture is asked for."""

from fanlight_screenshot.core.grabs import Grabs, GrabTimes

TIMES = GrabTimes(reuse_s=10e-6, retry_s=100e-6)


def test_one_grab_until_it_is_answered_or_overdue() -> None:
    grabs = Grabs(TIMES)
    assert grabs.due(1000)
    grabs.asked(1000)
    assert not grabs.due(1099)
    assert grabs.due(1100)
    grabs.asked(1100)
    grabs.answered(1099)  # older than the question
    assert not grabs.due(1150)
    grabs.answered(1100)
    assert grabs.due(1150)
    grabs.answered(1160)  # nobody had asked
    assert grabs.due(1160)


def test_a_picture_is_reused_for_a_moment() -> None:
    assert Grabs(TIMES).oldest_us(1000) == 990
