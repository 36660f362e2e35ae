"""One request for a patch: what it waits for next, and whether it gets a patch.

Pure; times are seconds of the process's clock. Owns the state of the request. Drops nothing.

What one request waits for, and what it is answered, is this table. *turn* is its client's turn,
*link* is until the client's link is free, *shot* is for a frame that is fresh enough, *held* is for
the next change, *patch* is for the pool, and *done* has the answer.

    state  event               next   answer
    turn   free                link   -
    turn   late                done   unchanged
    turn   late, no view       link   -
    link   free                shot   -
    link   late                done   unchanged
    link   late, no view       shot   -
    shot   no picture          done   none
    shot   other frame         patch  -
    shot   same frame          held   -
    shot   same frame, blurry  patch  -
    shot   same frame, stale   done   unchanged
    shot   same frame, late    done   unchanged
    held   over                link   -
    patch  made                done   patch
    patch  same pixels         link   -
    patch  nothing to refine   held   -
    patch  nothing, late       done   unchanged
    patch  frame lost          link   -
    patch  frame lost again    done   none

*late*: the time is up for which the client wants to wait. *no view*: it is not known what the
client has, so that "unchanged" would tell it nothing. *blurry*: a coarse tile has been at rest for
long enough to be refined. *again*: ATTEMPTS frames were lost, so that the caller answers with a
whole picture. An error of the desk, or BusyError, ends the request in any state. Two
tests hold the table and the code together: one drives this module, the other `desks.deltas`.
"""

from enum import StrEnum

from fanlight_screenshot.core.grabs import ATTEMPTS


class DeltaState(StrEnum):
    """What a request waits for."""

    TURN = "turn"
    LINK = "link"
    SHOT = "shot"
    HELD = "held"
    PATCH = "patch"
    DONE = "done"


class DeltaRequest:
    """One request. Each event is a method, which is called in the state that the table names."""

    def __init__(self, deadline_s: float) -> None:
        self.state = DeltaState.TURN
        """Only methods change it."""
        self.deadline_s = deadline_s
        """Until when the client wants to wait."""
        self.held_until_s = deadline_s
        """Until when it is HELD."""
        self.is_unchanged = False
        """The answer is that the client has the newest picture. Without it the answer of a DONE
        request is the patch that was made, or none."""
        self._refines = False
        self._lost = 0

    def turn_over(self, came: bool, *, has_view: bool) -> None:
        """Note that the turn came, or that the time was up before."""
        self._go_on(DeltaState.LINK, came or not has_view)

    def link_over(self, is_free: bool, *, has_view: bool) -> None:
        """Note that the link is free, or that the time was up before."""
        self._go_on(DeltaState.SHOT, is_free or not has_view)

    def no_picture(self) -> None:
        """Note that the desk has no picture yet."""
        self.state = DeltaState.DONE

    def other_frame(self) -> None:
        """Note that there is a frame which the client has not."""
        self._refines = False
        self.state = DeltaState.PATCH

    def same_frame(self, refine_at_s: float | None, is_stale: bool, now_s: float) -> None:
        """Note that the client has the newest frame.

        From `refine_at_s` on a coarse tile of it can be refined, None if it has no coarse tile.
        """
        self._refines = refine_at_s is not None and refine_at_s <= now_s
        if self._refines:
            self.state = DeltaState.PATCH
            return
        refine_at_s = self.deadline_s if refine_at_s is None else refine_at_s
        self.held_until_s = min(self.deadline_s, refine_at_s)
        self._go_on(DeltaState.HELD, not is_stale and now_s < self.deadline_s)

    def change_over(self) -> None:
        """Note that the desk has changed, or that the wait for a change is over."""
        self.state = DeltaState.LINK

    def patch_over(self, is_made: bool, is_stale: bool, now_s: float) -> None:
        """Note that the pool has made a patch, or that there was nothing to send."""
        if is_made:
            self.state = DeltaState.DONE
        elif self._refines:
            # There is nothing to refine. It is not tried again before the desk changes.
            self.held_until_s = self.deadline_s
            self._go_on(DeltaState.HELD, not is_stale and now_s < self.deadline_s)
        else:
            self.state = DeltaState.LINK

    def frame_lost(self) -> None:
        """Note that capture overwrote the frame before its pixels were copied."""
        self._lost += 1
        self.state = DeltaState.DONE if self._lost == ATTEMPTS else DeltaState.LINK

    def _go_on(self, to: DeltaState, may_go_on: bool) -> None:
        self.state = to if may_go_on else DeltaState.DONE
        self.is_unchanged = not may_go_on
