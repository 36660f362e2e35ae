"""The fence: whatever leases and units arrive in whatever order, a viewer gets the units of one
encoder at a time, of each from an IDR on, and its epochs only grow."""

from collections.abc import Callable
from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fanlight_common.core import handover as handover_module
from fanlight_common.core.handover import Handover, HandoverState, LeaseChange, Verdict
from fanlight_common.protocol.bus import LeaseRecord
from tests.tables import table


def lease(who: str, epoch: int, handover_from: int = 0) -> LeaseRecord:
    return LeaseRecord("main/high", True, who, f"{who}-1", who, who, epoch, handover_from)


def running(who: str = "a", epoch: int = 100) -> Handover:
    """A stream that `who` encodes."""
    handover = Handover()
    assert handover.leased(lease(who, epoch)) is LeaseChange.CUT
    assert handover.unit(f"{who}-1", epoch, idr=True) is Verdict.FIRST
    assert handover.unit(f"{who}-1", epoch, idr=False) is Verdict.PASS
    return handover


def test_an_encoder_that_was_lost_is_out_at_once() -> None:
    handover = running()
    assert handover.leased(lease("b", 101)) is LeaseChange.CUT
    assert handover.unit("a-1", 100, idr=False) is Verdict.OLD
    assert handover.unit("a-1", 100, idr=True) is Verdict.OLD, "it is back, and not asked"
    assert handover.unit("b-1", 101, idr=False) is Verdict.EARLY
    assert handover.misses_idr
    assert handover.unit("b-1", 101, idr=True) is Verdict.FIRST
    assert not handover.misses_idr
    assert handover.unit("a-1", 100, idr=True) is Verdict.OLD


def test_an_encoder_that_hands_over_goes_on_until_the_first_idr_of_the_next() -> None:
    handover = running()
    assert handover.leased(lease("b", 101, handover_from=100)) is LeaseChange.WAIT
    assert handover.unit("a-1", 100, idr=False) is Verdict.PASS
    assert handover.unit("b-1", 101, idr=False) is Verdict.EARLY
    assert handover.unit("a-1", 100, idr=False) is Verdict.PASS
    assert handover.unit("b-1", 101, idr=True) is Verdict.FIRST
    assert handover.unit("a-1", 100, idr=False) is Verdict.OLD
    assert handover.unit("b-1", 101, idr=False) is Verdict.PASS


def test_the_next_one_is_lost_before_it_began() -> None:
    handover = running()
    handover.leased(lease("b", 101, handover_from=100))
    # Both encoders give the lease up, and the one that has sent all the time may go on.
    assert handover.leased(lease("c", 102, handover_from=100)) is LeaseChange.WAIT
    assert handover.unit("b-1", 101, idr=True) is Verdict.OLD
    assert handover.unit("a-1", 100, idr=False) is Verdict.PASS
    # The next lease lets none of them go on.
    assert handover.leased(lease("d", 103)) is LeaseChange.CUT
    assert handover.unit("a-1", 100, idr=False) is Verdict.OLD
    assert handover.unit("d-1", 103, idr=True) is Verdict.FIRST


def test_a_lease_that_comes_back_to_the_same_encoder_is_another_epoch() -> None:
    handover = running()
    assert handover.leased(lease("a", 105)) is LeaseChange.CUT
    assert handover.unit("a-1", 100, idr=False) is Verdict.OLD
    assert handover.unit("a-1", 105, idr=True) is Verdict.PASS
    # A unit may arrive before the record of its epoch.
    assert handover.unit("a-1", 106, idr=True) is Verdict.PASS
    assert handover.leased(lease("a", 106)) is LeaseChange.NOTHING
    assert handover.unit("a-1", 105, idr=True) is Verdict.OLD


def test_what_a_second_directory_says_of_the_past_changes_nothing() -> None:
    handover = running(epoch=100)
    assert handover.leased(lease("b", 99)) is LeaseChange.STALE
    assert handover.unit("b-1", 99, idr=True) is Verdict.OLD
    assert handover.unit("a-1", 100, idr=False) is Verdict.PASS


def test_two_directories_that_gave_one_epoch_twice() -> None:
    handover = running(epoch=100)
    assert handover.leased(lease("b", 100)) is LeaseChange.CUT
    assert handover.unit("a-1", 100, idr=True) is Verdict.OLD, "one of them, never both"
    assert handover.unit("b-1", 100, idr=False) is Verdict.EARLY
    assert handover.unit("b-1", 100, idr=True) is Verdict.FIRST


def test_a_directory_that_was_restarted_meanwhile_tells_nothing_new() -> None:
    handover = running()
    handover.leased(lease("b", 101, handover_from=100))
    assert handover.leased(lease("b", 101)) is LeaseChange.NOTHING
    assert handover.unit("a-1", 100, idr=False) is Verdict.PASS


def unleased() -> Handover:
    return Handover()


def takeover() -> Handover:
    handover = running()
    handover.leased(lease("b", 101))
    return handover


def handing_over() -> Handover:
    handover = running()
    handover.leased(lease("b", 101, handover_from=100))
    return handover


def told_by_units_first(handover: Handover) -> LeaseChange:
    assert handover.unit("a-1", 110, idr=True) is Verdict.PASS
    return handover.leased(lease("a", 110))


STATES: dict[HandoverState, Callable[[], Handover]] = {
    HandoverState.UNLEASED: unleased,
    HandoverState.RUNNING: running,
    HandoverState.TAKEOVER: takeover,
    HandoverState.HANDOVER: handing_over,
}
EVENTS: dict[str, Callable[[Handover], LeaseChange | Verdict]] = {
    "same": lambda handover: handover.leased(handover.newest or lease("a", 0)),
    "stale": lambda handover: handover.leased(lease("c", 99, handover_from=98)),
    "known": told_by_units_first,
    "renewed": lambda handover: handover.leased(lease("a", 110)),
    "handed": lambda handover: handover.leased(lease("c", 110, handover_from=100)),
    "lost": lambda handover: handover.leased(lease("c", 110)),
    "current": lambda handover: handover.unit("a-1", 100, idr=False),
    "delta": lambda handover: handover.unit("b-1", 101, idr=False),
    "idr": lambda handover: handover.unit("b-1", 101, idr=True),
    "other": lambda handover: handover.unit("z-1", 200, idr=True),
}
IMPOSSIBLE = {
    # Without a lease there is no encoder that an event could be about.
    *product(
        [HandoverState.UNLEASED],
        ("same", "stale", "known", "renewed", "handed", "current", "delta", "idr"),
    ),
    *product([HandoverState.RUNNING], ("delta", "idr")),
    *product([HandoverState.TAKEOVER], ("known", "renewed", "handed", "current")),
}


def test_the_table_answers_every_event_that_can_be() -> None:
    rows = [(HandoverState[row[0]], row[1]) for row in table(handover_module.__doc__, 4)]
    assert len(set(rows)) == len(rows)
    assert set(rows) == set(product(STATES, EVENTS)) - IMPOSSIBLE


@pytest.mark.parametrize(
    ("state", "event", "after", "answer"), table(handover_module.__doc__, 4), ids=str
)
def test_the_table_and_the_code_agree(state: str, event: str, after: str, answer: str) -> None:
    handover = STATES[HandoverState[state]]()
    assert handover.state is HandoverState[state]
    given_answer = EVENTS[event](handover)
    assert (handover.state.name, given_answer.name) == (after, answer)


@pytest.mark.parametrize("change", [lease("a", 110), lease("c", 110, handover_from=100)])
def test_without_a_current_encoder_every_newer_lease_cuts(change: LeaseRecord) -> None:
    for make in (unleased, takeover):
        handover = make()
        assert handover.leased(change) is LeaseChange.CUT
        assert handover.state is HandoverState.TAKEOVER


names = st.sampled_from("abc")
epochs = st.integers(1, 12)
steps = st.lists(
    st.one_of(
        st.builds(lease, names, epochs, st.integers(0, 12)),
        st.tuples(names, epochs, st.booleans()),
    ),
    max_size=60,
)


@given(steps)
def test_whatever_happens_one_encoder_at_a_time_from_an_idr_on_and_epochs_grow(
    happens: list[LeaseRecord | tuple[str, int, bool]],
) -> None:
    handover = Handover()
    passed: list[tuple[str, int]] = []
    fence = 0
    for step in happens:
        if isinstance(step, LeaseRecord):
            if handover.leased(step) is LeaseChange.CUT and handover.current is None:
                fence = step.epoch
            continue
        who, epoch, idr = step
        verdict = handover.unit(f"{who}-1", epoch, idr=idr)
        if verdict not in (Verdict.PASS, Verdict.FIRST):
            continue
        assert epoch >= fence, "older than a lease that put it out"
        if not passed or passed[-1][0] != who:
            assert verdict is Verdict.FIRST, "another encoder, and not said"
        if verdict is Verdict.FIRST:
            assert idr
        assert not passed or epoch >= passed[-1][1], "epochs only grow"
        passed.append((who, epoch))
