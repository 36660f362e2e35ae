"""What is done next with a stream. Times are seconds of a clock that only the tests turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.core.budget import Budget
from fanlight_encoder.core.idr_policy import IdrPolicy
from fanlight_encoder.core.motion import REPEATS, SPARE_REPEATS, Motion
from fanlight_encoder.core.pacer import TOLERANCE, Pacer
from fanlight_encoder.core.room import RoomPolicy
from fanlight_encoder.core.schedule import RETRY_S, Encode, Refine, Schedule, Wait
from fanlight_encoder.core.unit_kinds import BuiltUnit, UnitKind, UnitLimits

REFINE_TURN = UnitLimits().refine_turn


def schedule(
    *, keyframes_only: bool = False, gop: int = 0, patches: bool = True, kbps: int = 16_000
) -> Schedule:
    return Schedule(
        idr=IdrPolicy(0.25, gop),
        room=RoomPolicy(3.0),
        budget=Budget(kbps, 0.1),
        motion=Motion(0.03, patches=patches),
        pacer=Pacer(60),
        keyframes_only=keyframes_only,
    )


def make(
    it: Schedule,
    now: float,
    *,
    patch: bool = True,
    size_bytes: int = 100,
    blurry: bool = False,
    refused: bool = False,
) -> Encode | Refine:
    """Do what has to be done at `now`: a patch if one may be and pays (`patch`), else video."""
    decision = it.next(now)
    assert not isinstance(decision, Wait), decision
    it.begin(decision)
    if isinstance(decision, Refine) or (decision.may_patch and patch):
        kind = UnitKind.PATCH
    else:
        kind = UnitKind.IDR if decision.idr else UnitKind.DELTA
    it.unit_built(decision, BuiltUnit(kind, bytes(size_bytes), True, refused, blurry), now)
    return decision


def settle(it: Schedule, now: float) -> float:
    """Let time pass until there is nothing left to do. Returns the time then."""
    while (decision := it.next(now)) != Wait(None):
        if not isinstance(decision, Wait):
            make(it, now)
        else:
            assert decision.until is not None
            now = decision.until
    return now


def settled(**settings: bool) -> tuple[Schedule, float]:
    """Return the schedule of a desk that has not changed since its first picture, and the time."""
    it = schedule(**settings)  # type: ignore[arg-type]  # those that are bool
    it.frame_came()
    make(it, 1.0)
    return it, settle(it, 1.0) + 5


def test_without_a_frame_it_waits() -> None:
    assert schedule().next(0.0) == Wait(None)


def test_the_first_unit_is_an_idr_then_two_repeats_then_silence() -> None:
    it = schedule()
    assert it.frame_came()
    assert make(it, 1.0) == Encode(fresh=True, idr=True)
    assert it.next(1.0) == Wait(pytest.approx(1.06))
    for now in (1.06, 1.09):
        assert make(it, now) == Encode(fresh=False, idr=False)
    assert it.next(2.0) == Wait(None)


def test_after_that_a_change_may_be_a_patch_and_repeats_nothing() -> None:
    it, now = settled()
    it.frame_came()
    assert make(it, now) == Encode(fresh=True, idr=False, may_patch=True)
    assert it.next(now) == Wait(None)


def test_a_change_that_became_video_is_repeated_before_the_next_patch() -> None:
    it, now = settled()
    it.frame_came()
    make(it, now, patch=False, refused=True)
    it.frame_came()
    assert make(it, now + 0.02) == Encode(fresh=True, idr=False, may_patch=False)
    now = settle(it, now + 0.02)
    it.frame_came()
    assert make(it, now) == Encode(fresh=True, idr=False, may_patch=True)


def test_a_desk_that_goes_on_changing_a_little_gets_its_patches_in_a_hurry() -> None:
    it = schedule()
    made = []
    for number in range(4):
        it.frame_came()
        now = 1 + number / 30
        while (decision := it.next(now)) and not isinstance(decision, Wait):
            made.append(make(it, now))
    video, again = Encode(fresh=True, idr=False), Encode(fresh=False, idr=False)
    patch = Encode(fresh=True, idr=False, may_patch=True)
    assert made == [Encode(fresh=True, idr=True), video, again, again, patch, patch]


def test_a_newer_frame_replaces_one_that_waits_and_goes_before_a_repeat() -> None:
    it = schedule()
    assert it.frame_came()
    assert not it.frame_came()
    make(it, 1.0)
    it.frame_came()
    assert make(it, 1.1) == Encode(fresh=True, idr=False)


def test_a_frame_that_comes_while_one_is_encoded_is_not_lost() -> None:
    it = schedule()
    it.frame_came()
    decision = it.next(1.0)
    assert isinstance(decision, Encode)
    it.begin(decision)
    assert it.frame_came()
    it.unit_built(decision, BuiltUnit(UnitKind.IDR, b"123"), 1.005)
    assert make(it, 1.02) == Encode(fresh=True, idr=False)


def test_it_keeps_the_pace() -> None:
    it = schedule()
    now, made = 0.0, 0
    while now < 1.0:
        it.frame_came()
        decision = it.next(now)
        if isinstance(decision, Wait):
            assert decision.until is not None
            now = max(decision.until, now + 1e-6)
        else:
            make(it, now, patch=False)
            made += 1
            now += 0.001
    assert 60 <= made <= 60 * TOLERANCE + 4


def test_a_large_unit_is_paid_for_before_the_next() -> None:
    it = schedule(kbps=800)  # 100 kB/s, a bucket of 10 kB
    it.least_bytes = 2_000
    it.frame_came()
    make(it, 1.0, size_bytes=12_000)
    it.frame_came()
    assert it.next(1.03) == Wait(pytest.approx(1.04))
    assert make(it, 1.0401, size_bytes=2_000) == Encode(fresh=True, idr=False)
    # An IDR waits for half a bucket.
    it.idr.request()
    it.frame_came()
    it = schedule(kbps=800)
    it.frame_came()
    make(it, 2.0, size_bytes=35_000)
    it.idr.request()
    assert it.next(2.25) == Wait(pytest.approx(2.3))
    assert make(it, 2.3001) == Encode(fresh=False, idr=True)


def test_what_is_blurry_is_made_sharp_after_the_repeats() -> None:
    it = schedule()
    it.frame_came()
    make(it, 1.0, blurry=True)
    for now in (1.06, 1.09):
        assert make(it, now, blurry=True) == Encode(fresh=False, idr=False)
    assert it.next(1.1) == Wait(pytest.approx(1.15))
    assert make(it, 1.15, blurry=True) == Refine()
    assert it.next(1.15) == Wait(pytest.approx(1.165))
    assert make(it, 1.2, blurry=False) == Refine()
    assert it.next(1.3) == Wait(None)


def after_video(kbps: int) -> list[Encode | Refine]:
    """Return what is done in the three seconds after video, if each unit has 100 bytes."""
    it, now, done = schedule(kbps=kbps), 1.0, list[Encode | Refine]()
    it.frame_came()
    while now < 4:
        decision = it.next(now)
        if isinstance(decision, Wait):
            now = decision.until if decision.until is not None else 4
        else:
            done.append(make(it, now, blurry=len(done) < 20))
    return done[1:]


def test_on_a_thin_link_all_is_repeated_more_often_before_places_are_made_sharp() -> None:
    thin = after_video(UnitLimits().spare_repeats_kbps - 1)
    wide = after_video(UnitLimits().spare_repeats_kbps)
    assert thin.index(Refine()) == REPEATS + SPARE_REPEATS
    assert wide.index(Refine()) == REPEATS
    assert not any(isinstance(each, Encode) for each in thin[thin.index(Refine()) :])


def test_what_is_new_does_not_wait_for_spare_repeats() -> None:
    it = schedule(kbps=500)
    it.frame_came()
    now = 1.0
    make(it, now, blurry=True)
    for _ in range(REPEATS + 1):
        while isinstance(decision := it.next(now), Wait):
            assert decision.until is not None
            now = decision.until
        assert make(it, now, blurry=True) == Encode(fresh=False, idr=False)
    it.frame_came()
    now += 0.02
    assert make(it, now, blurry=True) == Encode(fresh=True, idr=False, may_patch=True)
    # From then on places are made sharp.
    while isinstance(decision := it.next(now), Wait):
        assert decision.until is not None
        now = decision.until
    assert decision == Refine()


def test_refinement_leaves_room_for_what_is_fresh_but_has_its_turn() -> None:
    it = schedule(kbps=800)
    it.frame_came()
    make(it, 1.0, blurry=True)
    for now in (1.1, 1.2):
        make(it, now, blurry=True)
    # Each change takes all that the link can carry until the next change.
    done = []
    for number in range(3 * (REFINE_TURN + 1)):
        it.frame_came()
        done.append(make(it, 1.3 + number / 50, size_bytes=2_000, blurry=True))
    assert done.count(Refine()) == 3
    assert done[REFINE_TURN] == Refine()


def test_an_idr_on_an_idle_desk_is_the_last_picture_and_is_repeated() -> None:
    it, now = settled()
    it.idr.request()
    assert make(it, now) == Encode(fresh=False, idr=True)
    assert make(it, now + 0.06) == Encode(fresh=False, idr=False)


def test_an_idr_asked_for_too_soon_comes_when_it_may() -> None:
    it = schedule()
    it.frame_came()
    make(it, 1.0)
    settle(it, 1.0)
    it.idr.request()
    assert it.next(1.2) == Wait(1.25)
    assert make(it, 1.25) == Encode(fresh=False, idr=True)


def test_a_gop_does_not_keep_an_idle_desk_busy() -> None:
    it = schedule(gop=2, patches=False)
    it.frame_came()
    make(it, 1.0)
    now = settle(it, 1.0)
    assert now < 2
    it.frame_came()
    assert make(it, now + 1) == Encode(fresh=True, idr=True)


def test_without_patches_there_are_more_repeats() -> None:
    it = schedule(patches=False)
    it.frame_came()
    make(it, 1.0)
    assert 1.7 < settle(it, 1.0) < 1.9
    it.frame_came()
    assert make(it, 5.0) == Encode(fresh=True, idr=False, may_patch=False)


def test_no_room_skips_and_the_newest_comes_with_the_room() -> None:
    it = schedule()
    it.frame_came()
    make(it, 1.0)
    it.room.report("g", False, 1.0)
    it.frame_came()
    assert it.next(1.5) == Wait(4.0, no_room=True)
    it.room.report("g", True, 2.0)
    assert make(it, 2.0) == Encode(fresh=True, idr=False)


def test_a_gateway_that_falls_silent_does_not_hold_it_for_ever() -> None:
    it = schedule()
    it.frame_came()
    it.room.report("g", False, 1.0)
    decision = it.next(1.0)
    assert isinstance(decision, Wait)
    assert decision.until == 4.0
    assert make(it, 4.0) == Encode(fresh=True, idr=True)


def test_keyframes_are_one_a_second_always() -> None:
    it = schedule(keyframes_only=True)
    it.frame_came()
    assert make(it, 10.0) == Encode(fresh=True, idr=True)
    assert it.next(10.1) == Wait(11.0)
    # There is still one a second although each is made a little late.
    assert make(it, 11.004) == Encode(fresh=False, idr=True)
    it.frame_came()
    assert it.next(11.5) == Wait(12.0)
    assert make(it, 12.003) == Encode(fresh=True, idr=True)
    # After a stop of several seconds there are not several at once.
    make(it, 20.0)
    assert it.next(20.1) == Wait(21.0)


def test_a_keyframe_that_is_asked_for_does_not_wait_its_second() -> None:
    it = schedule(keyframes_only=True)
    it.frame_came()
    make(it, 10.0)
    it.idr.request()
    assert it.next(10.1) == Wait(10.25)
    assert make(it, 10.3) == Encode(fresh=False, idr=True)
    assert it.next(10.4) == Wait(11.3)


def test_after_a_failure_it_rests_and_begins_with_an_idr() -> None:
    it = schedule()
    it.frame_came()
    decision = it.next(1.0)
    assert isinstance(decision, Encode)
    it.begin(decision)
    it.failed(1.0)
    assert it.next(1.5) == Wait(1.0 + RETRY_S)
    assert make(it, 2.0) == Encode(fresh=False, idr=True)


def test_damage_that_changed_nothing_is_no_unit() -> None:
    it, now = settled()
    it.frame_came()
    decision = it.next(now)
    assert isinstance(decision, Encode)
    it.begin(decision)
    it.unit_built(decision, BuiltUnit(UnitKind.NOTHING), now)
    assert it.next(now) == Wait(None)


EVENTS = st.lists(
    st.tuples(
        st.floats(0, 0.5),
        st.sampled_from(["frame", "idr", "room", "no room", "time"]),
        st.booleans(),
        st.integers(1, 300_000),
    ),
    max_size=100,
)


@given(EVENTS, st.booleans())
def test_whatever_happens_the_newest_frame_is_encoded_in_the_end(
    events: list[tuple[float, str, bool, int]], keyframes_only: bool
) -> None:
    it = schedule(keyframes_only=keyframes_only)
    now, newest, encoded, first, held = 0.0, 0, 0, True, 99
    for step, event, patch, size_bytes in [*events, *[(5.0, "time", True, 1)] * 4]:
        now += step
        if event == "frame":
            it.frame_came()
            newest += 1
        elif event == "idr":
            it.idr.request()
        elif event != "time":
            it.room.report("g", event == "room", now)
        decision = it.next(now)
        if isinstance(decision, Wait):
            assert decision.until is None or decision.until > now
            continue
        assert it.room.has_room(now)
        made = make(it, now, patch=patch, size_bytes=size_bytes, blurry=patch)
        if isinstance(made, Refine):
            assert held == 0
            continue
        assert made.idr or not (first or keyframes_only)
        first = False
        encoded = newest if made.fresh else encoded
        # A patch comes only when every decoder has shown the last picture of video.
        if made.may_patch:
            assert held == 0
        if not (made.may_patch and patch):
            held = 2 if made.fresh or made.idr else max(0, held - 1)
    assert encoded == newest
