"""Refinement: a few units after motion, until nothing gets better, then silence."""

from hypothesis import given
from hypothesis import strategies as st

from fanlight_encoder.refine import SETTLED_UNITS, Refinement


def test_nothing_before_motion() -> None:
    assert Refinement(10, 0.03, 23).due_at is None


def test_it_ends_when_settled() -> None:
    refinement = Refinement(10, 0.5, 23)
    refinement.moved(1.0)
    assert refinement.due_at == 1.5
    refinement.made(1.5, 30)
    assert refinement.due_at == 2.0
    for now in (2.0, 2.5):
        refinement.made(now, 23)
        assert refinement.due_at == now + 0.5
    refinement.made(3.0, 22)
    assert refinement.due_at is None


def test_settled_units_have_to_be_in_a_row() -> None:
    refinement = Refinement(10, 0.5, 23)
    refinement.moved(0.0)
    for qp in (22, 22, 24, 22, 22):
        refinement.made(1.0, qp)
    assert refinement.due_at is not None


def test_motion_begins_it_anew_and_zero_units_is_none() -> None:
    refinement = Refinement(10, 0.5, 23)
    for now in (0.0, 1.0):
        refinement.moved(now)
        for _ in range(SETTLED_UNITS):
            assert refinement.due_at is not None
            refinement.made(now, 20)
        assert refinement.due_at is None
    nothing = Refinement(0, 0.5, 23)
    nothing.moved(0.0)
    assert nothing.due_at is None


@given(st.lists(st.one_of(st.none(), st.floats(0, 51)), min_size=10, max_size=10))
def test_it_ends_after_so_many_whatever_the_codec_tells(quantisers: list[float | None]) -> None:
    refinement = Refinement(10, 0.5, 23)
    refinement.moved(0.0)
    for qp in quantisers:
        refinement.made(0.0, qp)
    assert refinement.due_at is None
    refinement.made(0.0, None)
    assert refinement.due_at is None
