"""What viewers hold: nothing sticks, whatever they do."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fanlight_capture.held import Control, HeldState, Kind

A, B, CTRL = (Control(Kind.KEY, n) for n in (4, 5, 0xE0))
LEFT = Control(Kind.BUTTON, 0)


def test_downs_are_idempotent_and_stray_ups_ignored() -> None:
    held = HeldState(3.0)
    assert not held.release("v", A)
    assert held.press("v", A, 0.0)
    assert not held.press("v", A, 0.1)
    assert not held.release("v", B)
    assert held.release("v", A)
    assert not held.release("v", A)
    assert held.viewers() == ()


def test_the_last_of_two_viewers_lets_go() -> None:
    held = HeldState(3.0)
    assert held.press("one", A, 0.0)
    assert not held.press("two", A, 0.0)
    assert not held.release("one", A)
    assert held.release_viewer("two") == (A,)


def test_leaving_releases_newest_first_what_nobody_else_holds() -> None:
    held = HeldState(3.0)
    for control in (CTRL, A, LEFT):
        held.press("one", control, 0.0)
    held.press("two", A, 0.0)
    assert held.release_viewer("one") == (LEFT, CTRL)
    assert held.release_viewer("one") == ()
    assert held.viewers() == ("two",)


def test_silence() -> None:
    held = HeldState(3.0)
    assert held.next_silence_in(0.0) is None
    held.heard("nobody", 0.0)
    held.press("one", A, 1.0)
    held.press("two", B, 2.0)
    assert held.next_silence_in(2.0) == 2.0
    held.heard("one", 3.5)
    assert held.silent(4.9) == ()
    assert held.silent(5.0) == ("two",)
    assert held.next_silence_in(9.0) == 0.0
    held.clear()
    assert held.silent(100.0) == ()


class Desk(RuleBasedStateMachine):
    """Against a plain model: the desk's keys are exactly those that some viewer holds."""

    viewers = st.sampled_from(["one", "two", "three"])
    controls = st.sampled_from([A, B, CTRL, LEFT])

    def __init__(self) -> None:
        super().__init__()
        self.held = HeldState(3.0)
        self.now = 0.0
        self.down: set[Control] = set()
        self.model: set[tuple[str, Control]] = set()

    def up(self, control: Control) -> None:
        assert control in self.down
        self.down.remove(control)

    @rule(viewer=viewers, control=controls)
    def press(self, viewer: str, control: Control) -> None:
        if self.held.press(viewer, control, self.now):
            assert control not in self.down
            self.down.add(control)
        self.model.add((viewer, control))

    @rule(viewer=viewers, control=controls)
    def release(self, viewer: str, control: Control) -> None:
        if self.held.release(viewer, control):
            self.up(control)
        self.model.discard((viewer, control))

    @rule(viewer=viewers)
    def leave(self, viewer: str) -> None:
        for control in self.held.release_viewer(viewer):
            self.up(control)
        self.model = {(v, c) for v, c in self.model if v != viewer}

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        for viewer in self.held.silent(self.now):
            self.leave(viewer)

    @invariant()
    def nothing_is_stuck(self) -> None:
        assert self.down == {control for _, control in self.model}
        assert set(self.held.viewers()) == {viewer for viewer, _ in self.model}


Desk.TestCase.settings = settings(max_examples=60, deadline=None)
TestDesk = Desk.TestCase
