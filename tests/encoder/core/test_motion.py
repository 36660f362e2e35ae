"""From patches to video and back."""

import re
from collections import defaultdict
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_encoder.core import motion as motion_module
from fanlight_encoder.core.motion import (
    LONG_REPEATS,
    REPEATS,
    SPARE_REPEATS,
    TRANSITIONS,
    Motion,
    MotionEvent,
    MotionPhase,
)
from tests.tables import table


def send(motion: Motion, event: MotionEvent, *, calm: bool = False) -> None:
    """Tell what the schedule tells of a unit."""
    if event is MotionEvent.VIDEO:
        motion.video(0.0, calm=calm)
    elif event is MotionEvent.REPEATED:
        motion.repeated(0.0)
    else:
        motion.patched()


def test_the_table_answers_every_event_but_a_patch_that_may_not_be() -> None:
    every = set(product(MotionPhase, MotionEvent))
    assert set(TRANSITIONS) == every - {(MotionPhase.REPEATING, MotionEvent.PATCHED)}


def test_the_table_of_the_header_says_the_same() -> None:
    rows = table(motion_module.__doc__, 3)
    assert len(rows) == len(TRANSITIONS)
    assert {
        (MotionPhase[phase], MotionEvent(event)): frozenset(
            MotionPhase[each] for each in re.findall("[A-Z]+", phases)
        )
        for phase, event, phases in rows
    } == TRANSITIONS


@given(st.lists(st.tuples(st.sampled_from(MotionEvent), st.booleans())), st.booleans())
def test_the_code_goes_where_the_table_says(
    events: list[tuple[MotionEvent, bool]], patches: bool
) -> None:
    motion = Motion(patches=patches)
    for event, calm in events:
        before = motion.phase
        assert motion.may_patch == (patches and before is not MotionPhase.REPEATING)
        if event is MotionEvent.PATCHED and not motion.may_patch:
            continue
        send(motion, event, calm=calm)
        assert motion.phase in TRANSITIONS[before, event]
        assert patches or motion.phase is not MotionPhase.SPARE


def test_every_transition_of_the_table_happens() -> None:
    seen = defaultdict(set)
    for patches in (True, False):
        for repeats, after in product(range(LONG_REPEATS + 1), MotionEvent):
            motion = Motion(patches=patches)
            for event in (MotionEvent.VIDEO, *[MotionEvent.REPEATED] * repeats, after):
                before = motion.phase
                if event is MotionEvent.PATCHED and not motion.may_patch:
                    continue
                send(motion, event)
                seen[before, event].add(motion.phase)
    motion = Motion(patches=True)
    for event in (MotionEvent.PATCHED, MotionEvent.REPEATED):
        send(motion, event)
        seen[MotionPhase.STILL, event].add(motion.phase)
    assert dict(seen) == TRANSITIONS


def test_patches_until_something_moves_and_after_the_repeats() -> None:
    motion = Motion(0.03, patches=True)
    assert motion.may_patch
    assert motion.due_at is None
    motion.video(10.0, calm=False)
    for number in range(REPEATS):
        assert not motion.may_patch
        # The first repeat waits longer, because nothing had changed for long.
        assert motion.due_at == pytest.approx(10.06 + number * 0.03)
        motion.repeated(10.06 + number * 0.03)
    assert motion.may_patch
    assert motion.due_at is None


def test_spare_repeats_come_after_the_others_and_keep_no_patch_waiting() -> None:
    motion = Motion(0.03, patches=True)
    assert motion.spare_at is None
    motion.video(10.0, calm=False)
    for _ in range(REPEATS):
        assert motion.spare_at is None
        motion.repeated(10.1)
    for number in range(SPARE_REPEATS):
        assert motion.may_patch
        assert motion.spare_at == pytest.approx(10.13 + 0.03 * number)
        motion.repeated(10.13 + 0.03 * number)
    assert motion.spare_at is None


def test_spare_repeats_wait_until_nothing_has_moved_for_a_while() -> None:
    motion = Motion(0.03, patches=True)
    motion.video(10.0, calm=False)
    for _ in range(REPEATS):
        motion.repeated(10.02)
    assert motion.spare_at == pytest.approx(10.1)


def test_a_patch_ends_spare_repeats() -> None:
    motion = Motion(0.03, patches=True)
    motion.video(10.0, calm=False)
    for _ in range(REPEATS):
        motion.repeated(10.1)
    motion.patched()
    assert motion.spare_at is None


def test_repeats_do_not_come_between_the_pictures_of_a_clip() -> None:
    motion = Motion(0.03, patches=True)
    for interval in (1 / 60, 1 / 25):
        for number in range(10):
            now = 10 + number * interval
            motion.video(now, calm=False)
            if number:
                assert motion.due_at is not None
                assert now + max(0.03, interval) < motion.due_at + 1e-9 <= now + 0.0601
            assert not motion.hurried


def test_the_more_often_a_patch_did_not_pay_the_longer_until_the_next_is_tried() -> None:
    motion = Motion(0.03, patches=True)
    waited = []
    for _ in range(7):
        motion.video(0.0, calm=True, refused=True)
        frames = 0
        while not motion.hurried:
            motion.video(0.0, calm=True)
            frames += 1
        for _ in range(REPEATS):
            motion.repeated(0.0)
        assert motion.may_patch
        waited.append(frames)
    assert waited == [4, 8, 16, 32, 64, 64, 64]
    for _ in range(100):
        motion.patched()
    motion.video(0.0, calm=True)
    motion.video(0.0, calm=True)
    assert motion.hurried


def test_without_patches_none_may_be_and_nothing_hurries() -> None:
    motion = Motion(0.03, patches=False)
    for _ in range(LONG_REPEATS):
        motion.video(0.0, calm=True)
    assert not motion.hurried
    for _ in range(LONG_REPEATS):
        assert motion.due_at is not None
        motion.repeated(0.0)
    assert motion.due_at is None
    assert not motion.may_patch
