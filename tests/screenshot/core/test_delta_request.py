"""The table of `delta_request` and its code agree. Nothing is waited for."""

import pytest

from fanlight_screenshot.core import delta_request
from fanlight_screenshot.core.delta_request import DeltaRequest, DeltaState
from fanlight_screenshot.core.grabs import ATTEMPTS
from tests.tables import table

TABLE = {(state, event): after for state, event, *after in table(delta_request.__doc__, 4)}
NOW_S, DEADLINE_S = 100.0, 110.0


class Bench:
    """One request. It was answered with a patch if `is_made`."""

    def __init__(self) -> None:
        self.request = DeltaRequest(DEADLINE_S)
        self.is_made = False

    def bring(self, state: str, event: str) -> None:
        """Bring the request into a state, from nothing."""
        if state == "turn":
            return
        self.request.turn_over(True, has_view=True)
        if state == "link":
            return
        self.request.link_over(True, has_view=True)
        if state == "shot":
            return
        if state == "held":
            self.request.same_frame(None, False, NOW_S)
        elif event.startswith("nothing"):
            self.request.same_frame(NOW_S, False, NOW_S)
        else:
            self.request.other_frame()

    def happens(self, event: str) -> None:
        request = self.request
        match request.state.value, event:
            case "turn", _:
                request.turn_over(event == "free", has_view="no view" not in event)
            case "link", _:
                request.link_over(event == "free", has_view="no view" not in event)
            case "shot", "no picture":
                request.no_picture()
            case "shot", "other frame":
                request.other_frame()
            case "shot", "same frame":
                request.same_frame(NOW_S + 1, False, NOW_S)
            case "shot", "same frame, blurry":
                request.same_frame(NOW_S, False, NOW_S)
            case "shot", "same frame, stale":
                request.same_frame(None, True, NOW_S)
            case "shot", "same frame, late":
                request.same_frame(None, False, DEADLINE_S)
            case "held", "over":
                request.change_over()
            case "patch", "made":
                self.is_made = True
                request.patch_over(True, False, NOW_S)
            case "patch", "same pixels" | "nothing to refine":
                request.patch_over(False, False, NOW_S)
            case "patch", "nothing, late":
                request.patch_over(False, False, DEADLINE_S)
            case "patch", "frame lost":
                request.frame_lost()
            case "patch", "frame lost again":
                for _ in range(ATTEMPTS):
                    request.frame_lost()
            case _:
                pytest.fail(f"unknown event {event} in {request.state}")

    def answer(self) -> str:
        if self.request.state is not DeltaState.DONE:
            return "-"
        if self.request.is_unchanged:
            return "unchanged"
        return "patch" if self.is_made else "none"


@pytest.mark.parametrize(("state", "event"), TABLE)
def test_the_code_does_what_the_table_says(state: str, event: str) -> None:
    bench = Bench()
    bench.bring(state, event)
    assert bench.request.state == state
    bench.happens(event)
    assert [bench.request.state, bench.answer()] == TABLE[state, event]


def test_a_request_is_held_until_a_tile_can_be_refined() -> None:
    request = DeltaRequest(DEADLINE_S)
    request.same_frame(NOW_S + 1, False, NOW_S)
    assert request.held_until_s == NOW_S + 1
    request.same_frame(DEADLINE_S + 1, False, NOW_S)
    assert request.held_until_s == DEADLINE_S
    # There was nothing to refine, so that only a change ends the wait.
    request.same_frame(NOW_S, False, NOW_S)
    request.patch_over(False, False, NOW_S)
    assert request.held_until_s == DEADLINE_S
