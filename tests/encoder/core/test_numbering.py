"""Which encoder may label units, and the labels."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanlight_common.protocol import bus
from fanlight_encoder.core.numbering import Numbering, held_epoch


def lease(
    *, alive: bool = True, id_: str = "e", instance: str = "1", epoch: int = 7
) -> bus.LeaseRecord:
    return bus.LeaseRecord("main/high", alive, id_, instance, "", "", epoch)


def test_the_holder_has_the_epoch() -> None:
    assert held_epoch(lease(), "e", "1") == 7


@pytest.mark.parametrize(
    "record",
    [
        lease(alive=False),
        lease(id_="other"),
        lease(instance="0"),  # the process that ran here before
        lease(epoch=0),
        lease(epoch=2**32),
        bus.ServiceRecord("encoder", "e", True, "1", "", ""),
    ],
)
def test_nobody_else_has(record: bus.DirectoryOutlet) -> None:
    assert held_epoch(record, "e", "1") is None


@given(st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=1))
def test_sequences_grow_by_one_and_times_strictly(times: list[int | None]) -> None:
    numbering = Numbering()
    labels = [numbering.next(time) for time in times]
    assert [sequence for sequence, _ in labels] == list(range(1, len(times) + 1))
    made = [captured_us for _, captured_us in labels]
    assert made[0] > 0
    assert all(earlier < later for earlier, later in pairwise(made))
    assert all(out >= wanted for out, wanted in zip(made, times, strict=True) if wanted is not None)


def test_what_is_not_known_to_be_current_stays_old() -> None:
    numbering = Numbering()
    numbering.next(1000)
    assert numbering.next(None) == (2, 1001)
