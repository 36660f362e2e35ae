"""Down when the path cannot carry it, up after a quiet while, more carefully each time it fails."""

from fanlight_common.core.names import Rendition
from fanlight_gateway.core.ladder import Ladder, LadderLimits

LIMITS = LadderLimits()
MAX_QUIET_MS = LIMITS.max_quiet_ms


class Climb:
    """A ladder and a clock."""

    def __init__(self) -> None:
        self.ladder = Ladder(LIMITS, 0)
        self.now = 0.0

    def wait(
        self, seconds: float, kbps: float, *, limited: bool = True, behind: bool = False
    ) -> list[Rendition]:
        """Steps of 100 ms; the renditions that it changed to."""
        changes = []
        for _ in range(round(seconds * 10)):
            self.now += 100
            if self.ladder.step(kbps, limited=limited, fell_behind=behind, now_ms=self.now):
                changes.append(self.ladder.rendition)
        return changes


def test_a_good_path_stays_on_top() -> None:
    assert Climb().wait(100, 16_000) == []


def test_a_poor_path_goes_down_step_by_step_and_no_further_than_the_lowest() -> None:
    climb = Climb()
    assert climb.wait(1, 1999) == []
    assert climb.wait(0.1, 1999) == [Rendition.HALF]
    assert climb.wait(5, 701) == []
    assert climb.wait(1.1, 699) == [Rendition.LOW]
    assert climb.wait(60, 10, behind=True) == []


def test_one_bad_moment_does_not_decide() -> None:
    climb = Climb()
    for _ in range(20):
        assert climb.wait(0.9, 500) == []
        assert climb.wait(0.1, 5000) == []


def test_what_is_not_made_use_of_says_nothing() -> None:
    assert Climb().wait(60, 300, limited=False) == []


def test_who_lets_others_pay_moves_at_once() -> None:
    assert Climb().wait(0.1, 16_000, behind=True) == [Rendition.HALF]


def test_up_after_a_quiet_while_if_the_path_takes_it() -> None:
    climb = Climb()
    climb.wait(1.1, 1000)
    assert climb.wait(60, 2299) == []
    assert climb.wait(0.1, 2300) == [Rendition.HIGH]


def test_a_probe_that_fails_makes_the_next_one_come_later() -> None:
    climb = Climb()
    climb.wait(1.1, 1000)
    waits = []
    for _ in range(8):
        began = climb.now
        while not climb.wait(0.1, 5000):
            pass
        waits.append(climb.now - began)
        assert climb.wait(1.1, 500) == [Rendition.HALF]
    assert waits == [10_000, 20_000, 40_000, 80_000, 160_000, *[MAX_QUIET_MS] * 3]


def test_a_probe_that_stood_is_forgotten() -> None:
    climb = Climb()
    climb.wait(1.1, 1000)
    climb.wait(10, 5000)
    climb.wait(1.1, 500)  # failed: 20 s from now on
    assert climb.wait(19.8, 5000) == []
    assert climb.wait(0.2, 5000) == [Rendition.HIGH]
    climb.wait(60, 5000)
    assert climb.wait(1.1, 500) == [Rendition.HALF]  # much later: no failed probe
    assert climb.wait(1.1, 500) == [Rendition.LOW]
    assert climb.wait(20, 5000) == [Rendition.HALF]
    assert climb.wait(20, 5000) == [Rendition.HIGH]
    climb.wait(60, 5000)
    climb.wait(1.1, 500)
    assert climb.wait(10.1, 5000) == [Rendition.HIGH]
