"""What viewers hold: no key is ever stuck, whatever they do."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fanlight_capture.core import held_keys
from fanlight_capture.core.held_keys import (
    Control,
    ControlKind,
    HeldKeyLimits,
    HeldKeys,
    PressEffect,
)
from tests.tables import table

A, B, CTRL, CAPS = (Control(ControlKind.KEY, n) for n in (4, 5, 0xE0, 0x39))
LEFT = Control(ControlKind.BUTTON, 0)
LIMITS = HeldKeyLimits(silence_s=3.0)
PRESS, REPEAT, NOTHING = PressEffect.PRESS, PressEffect.REPEAT, PressEffect.NOTHING


def test_stray_ups_are_ignored_and_one_up_ends_many_downs() -> None:
    held = HeldKeys(LIMITS)
    assert not held.release("v", A)
    assert held.press("v", A, 0.0) is PRESS
    assert held.press("v", A, 0.5) is REPEAT
    assert not held.release("v", B)
    assert held.release("v", A)
    assert not held.release("v", A)
    assert held.viewers() == ()


@pytest.mark.parametrize("each_s", [1 / 66, 0.033, 0.04, 0.1])
def test_a_keyboard_repeats_at_its_own_pace(each_s: float) -> None:
    held = HeldKeys(LIMITS)
    assert held.press("v", A, 10.0) is PRESS
    effects = {held.press("v", A, 10.25 + n * each_s) for n in range(100)}
    assert effects == {REPEAT}


def test_what_comes_in_one_go_has_waited() -> None:
    held = HeldKeys(LIMITS)
    assert held.press("v", A, 0.0) is PRESS
    assert held.press("v", A, 0.5) is REPEAT
    # After a stall of two seconds all downs come at once.
    burst = [held.press("v", A, 2.5 + n / 1000) for n in range(60)]
    assert burst == [REPEAT] + [NOTHING] * 59
    assert held.press("v", A, 2.7) is REPEAT
    # This key was pressed within the stall.
    burst = [held.press("v", B, 5.0 + n / 1000) for n in range(60)]
    assert burst == [PRESS] + [NOTHING] * 59


def test_no_keyboard_repeats_at_once() -> None:
    held = HeldKeys(LIMITS)
    held.press("v", A, 1.0)
    assert held.press("v", A, 1.0 + LIMITS.first_repeat_s / 2) is NOTHING
    assert held.press("v", A, 1.0 + LIMITS.first_repeat_s) is REPEAT


@pytest.mark.parametrize("control", [CTRL, CAPS, LEFT])
def test_modifiers_locks_and_buttons_never_repeat(control: Control) -> None:
    held = HeldKeys(LIMITS)
    assert held.press("v", control, 0.0) is PRESS
    assert {held.press("v", control, n / 4) for n in range(1, 20)} == {NOTHING}
    assert held.release("v", control)


def test_only_who_holds_a_key_repeats_it() -> None:
    held = HeldKeys(LIMITS)
    assert held.press("one", A, 0.0) is PRESS
    assert held.press("two", A, 0.5) is NOTHING
    assert held.press("one", A, 0.6) is REPEAT
    assert not held.release("one", A)
    assert held.press("two", A, 1.0) is REPEAT
    assert held.press("one", A, 1.1) is NOTHING


def test_the_last_of_two_viewers_lets_go() -> None:
    held = HeldKeys(LIMITS)
    assert held.press("one", A, 0.0) is PRESS
    assert held.press("two", A, 0.0) is NOTHING
    assert not held.release("one", A)
    assert held.release_viewer("two") == (A,)


def test_leaving_releases_newest_first_what_nobody_else_holds() -> None:
    held = HeldKeys(LIMITS)
    for control in (CTRL, A, LEFT):
        held.press("one", control, 0.0)
    held.press("two", A, 0.0)
    assert held.release_viewer("one") == (LEFT, CTRL)
    assert held.release_viewer("one") == ()
    assert held.viewers() == ("two",)


def test_silence() -> None:
    held = HeldKeys(LIMITS)
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


def test_the_table_and_the_code_agree() -> None:
    rows = table(held_keys.__doc__, 4)
    states = {"NOBODY", "ALONE", "SHARED", "OTHERS"}
    taken = set()
    for state, event, after, effect in rows:
        held = HeldKeys(LIMITS)
        for viewer in ("me",) * (state in {"ALONE", "SHARED"}) + ("other",) * (
            state in {"SHARED", "OTHERS"}
        ):
            held.press(viewer, A, 0.0)
        match event:
            case "down":
                did = held.press("me", A, 10.0).value
            case "repeat":
                did = held.press("me", A, LIMITS.first_repeat_s).value
            case "stale":
                did = held.press("me", A, LIMITS.first_repeat_s / 2).value
            case "up":
                did = "release" if held.release("me", A) else "nothing"
            case "leave":
                did = "release" if held.release_viewer("me") else "nothing"
            case _:
                pytest.fail(f"unknown event {event}")
        holders = set(held.viewers())
        names = {(): "NOBODY", ("me",): "ALONE", ("me", "other"): "SHARED", ("other",): "OTHERS"}
        assert (names[tuple(sorted(holders))], did) == (after, effect), (state, event)
        taken.add((state, event))
    assert len(taken) == len(rows), "a row is there twice"
    for state in states:
        holds = state in {"ALONE", "SHARED"}
        downs = {"repeat", "stale"} if holds else {"down"}
        assert {e for s, e in taken if s == state} == {*downs, "up", "leave"}


class Desk(RuleBasedStateMachine):
    """Compares with a plain model: a key is down at the desk exactly if some viewer holds it."""

    viewers = st.sampled_from(["one", "two", "three"])
    controls = st.sampled_from([A, B, CTRL, LEFT])

    def __init__(self) -> None:
        super().__init__()
        self.held = HeldKeys(LIMITS)
        self.now = 0.0
        self.down: set[Control] = set()
        self.model: set[tuple[str, Control]] = set()

    def up(self, control: Control) -> None:
        assert control in self.down
        self.down.remove(control)

    @rule(viewer=viewers, control=controls)
    def press(self, viewer: str, control: Control) -> None:
        match self.held.press(viewer, control, self.now):
            case PressEffect.PRESS:
                assert control not in self.down
                self.down.add(control)
            case PressEffect.REPEAT:
                assert (viewer, control) in self.model
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
