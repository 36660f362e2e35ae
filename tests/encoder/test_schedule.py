"""What is done next with a stream. Times are seconds of a clock that only the tests turn."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_encoder.budget import Budget
from fanlight_encoder.idr import IdrPolicy
from fanlight_encoder.pace import TOLERANCE, Pacer
from fanlight_encoder.refine import Refinement
from fanlight_encoder.room import RoomPolicy
from fanlight_encoder.schedule import RETRY_S, Encode, Schedule, Wait

FLOOR = 20.0


def schedule(*, keyframes_only: bool = False, gop: int = 0, refine: int = 5) -> Schedule:
    return Schedule(
        idr=IdrPolicy(0.25, gop),
        room=RoomPolicy(3.0),
        budget=Budget(16_000, 0.1),
        refinement=Refinement(refine, 0.03, FLOOR),
        pacer=Pacer(60),
        keyframes_only=keyframes_only,
    )


def encode(it: Schedule, now: float, *, qp: float | None = FLOOR, size_bytes: int = 100) -> Encode:
    """Do what has to be a picture at `now`."""
    decision = it.next(now)
    assert isinstance(decision, Encode)
    it.begin(decision)
    it.encoded(decision, now, idr=decision.idr, qp=qp, size_bytes=size_bytes)
    return decision


def settle(it: Schedule, now: float) -> float:
    """Let time go by until there is nothing left to do; the time then."""
    while (decision := it.next(now)) != Wait(None):
        if isinstance(decision, Encode):
            encode(it, now)
        else:
            assert decision.until is not None
            now = decision.until
    return now


def test_without_a_frame_it_waits() -> None:
    assert schedule().next(0.0) == Wait(None)


def test_the_first_unit_is_an_idr_then_refinement_then_silence() -> None:
    it = schedule()
    assert it.frame_came()
    assert encode(it, 1.0) == Encode(fresh=True, idr=True)
    assert it.next(1.0) == Wait(1.03)
    for now in (1.03, 1.06, 1.09):
        assert encode(it, now) == Encode(fresh=False, idr=False)
    assert it.next(2.0) == Wait(None)


def test_a_newer_frame_replaces_one_that_waits_and_goes_before_refinement() -> None:
    it = schedule()
    assert it.frame_came()
    assert not it.frame_came()
    encode(it, 1.0)
    it.frame_came()
    assert encode(it, 1.03) == Encode(fresh=True, idr=False)


def test_a_frame_that_comes_while_one_is_encoded_is_not_lost() -> None:
    it = schedule()
    it.frame_came()
    decision = it.next(1.0)
    assert isinstance(decision, Encode)
    it.begin(decision)
    assert it.frame_came()
    it.encoded(decision, 1.005, idr=True, qp=30, size_bytes=100)
    assert encode(it, 1.02).fresh


def test_it_keeps_the_pace() -> None:
    it = schedule()
    now, made = 0.0, 0
    while now < 1.0:
        it.frame_came()
        decision = it.next(now)
        if isinstance(decision, Encode):
            encode(it, now)
            made += 1
            now += 0.001
        else:
            assert decision.until is not None
            now = max(decision.until, now + 1e-6)
    assert 60 <= made <= 60 * TOLERANCE + 2


def test_an_idr_on_an_idle_desk_is_the_last_picture_and_is_refined() -> None:
    it = schedule()
    it.frame_came()
    encode(it, 1.0)
    now = settle(it, 1.0) + 5
    it.idr.request()
    assert encode(it, now) == Encode(fresh=False, idr=True)
    assert encode(it, now + 0.03) == Encode(fresh=False, idr=False)


def test_an_idr_asked_for_too_soon_comes_when_it_may() -> None:
    it = schedule(refine=0)
    it.frame_came()
    encode(it, 1.0)
    it.idr.request()
    assert it.next(1.1) == Wait(1.25)
    assert encode(it, 1.25) == Encode(fresh=False, idr=True)
    assert it.next(1.3) == Wait(None)


def test_a_gop_does_not_keep_an_idle_desk_busy() -> None:
    it = schedule(gop=2, refine=40)
    it.frame_came()
    encode(it, 1.0, qp=40)
    now = settle(it, 1.0)
    assert now < 1.2
    it.frame_came()
    assert encode(it, now + 1) == Encode(fresh=True, idr=True)


def test_no_room_skips_and_the_newest_comes_with_the_room() -> None:
    it = schedule()
    it.frame_came()
    encode(it, 1.0)
    it.room.heard("g", False, 1.0)
    it.frame_came()
    assert it.next(1.5) == Wait(4.0, no_room=True)
    it.room.heard("g", True, 2.0)
    assert encode(it, 2.0).fresh


def test_a_gateway_that_falls_silent_does_not_hold_it_for_ever() -> None:
    it = schedule()
    it.frame_came()
    it.room.heard("g", False, 1.0)
    decision = it.next(1.0)
    assert isinstance(decision, Wait)
    assert decision.until == 4.0
    assert encode(it, 4.0).fresh


def test_keyframes_are_one_a_second_always() -> None:
    it = schedule(keyframes_only=True)
    it.frame_came()
    assert encode(it, 10.0) == Encode(fresh=True, idr=True)
    assert it.next(10.1) == Wait(11.0)
    # A little late each time, and still one a second.
    assert encode(it, 11.004) == Encode(fresh=False, idr=True)
    it.frame_came()
    assert it.next(11.5) == Wait(12.0)
    assert encode(it, 12.003) == Encode(fresh=True, idr=True)
    # After a stop of several seconds, not several at once.
    encode(it, 20.0)
    assert it.next(20.1) == Wait(21.0)


def test_a_keyframe_that_is_asked_for_does_not_wait_its_second() -> None:
    it = schedule(keyframes_only=True)
    it.frame_came()
    encode(it, 10.0)
    it.idr.request()
    assert it.next(10.1) == Wait(10.25)
    assert encode(it, 10.3) == Encode(fresh=False, idr=True)
    assert it.next(10.4) == Wait(11.3)


def test_after_a_failure_it_rests_and_begins_with_an_idr() -> None:
    it = schedule()
    it.frame_came()
    decision = it.next(1.0)
    assert isinstance(decision, Encode)
    it.begin(decision)
    it.failed(1.0)
    assert it.next(1.5) == Wait(1.0 + RETRY_S)
    assert encode(it, 2.0) == Encode(fresh=False, idr=True)


EVENTS = st.lists(
    st.tuples(
        st.floats(0, 0.5), st.sampled_from(["frame", "idr", "room", "no room", "time"]), st.just(0)
    ),
    max_size=100,
)


@given(EVENTS, st.booleans())
def test_whatever_happens_the_newest_frame_is_encoded_in_the_end(
    events: list[tuple[float, str, int]], keyframes_only: bool
) -> None:
    it = schedule(keyframes_only=keyframes_only)
    now, newest, encoded, first = 0.0, 0, 0, True
    for step, event, _ in [*events, (5.0, "time", 0), (5.0, "time", 0)]:
        now += step
        if event == "frame":
            it.frame_came()
            newest += 1
        elif event == "idr":
            it.idr.request()
        elif event != "time":
            it.room.heard("g", event == "room", now)
        decision = it.next(now)
        if isinstance(decision, Encode):
            assert it.room.has_room(now)
            assert decision.idr or not (first or keyframes_only)
            first = False
            encode(it, now)
            encoded = newest if decision.fresh else encoded
        elif decision.until is not None:
            assert decision.until > now
    assert encoded == newest
