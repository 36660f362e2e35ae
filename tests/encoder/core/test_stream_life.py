"""Whether a stream is encoded here: the table and the code agree."""

from collections.abc import Callable
from itertools import product

import pytest

from fanlight_common.protocol import bus
from fanlight_encoder.core import stream_life
from fanlight_encoder.core.numbering import held_epoch
from fanlight_encoder.core.stream_life import StreamLife, StreamState, StreamStep
from tests.tables import table

ROWS = table(stream_life.__doc__, 4)


def lease(
    *, alive: bool = True, id_: str = "e", epoch: int = 7, handover_from: int = 0
) -> bus.LeaseRecord:
    return bus.LeaseRecord("main/high", alive, id_, f"{id_}-1", "", "", epoch, handover_from)


def take(life: StreamLife, record: bus.DirectoryOutlet) -> StreamStep:
    return life.lease(record, held_epoch(record, "e", "e-1"))


def waiting() -> StreamLife:
    return StreamLife()


def encoding() -> StreamLife:
    life = waiting()
    assert take(life, lease()) is StreamStep.START
    return life


def leaving() -> StreamLife:
    life = encoding()
    assert take(life, lease(id_="f", epoch=8, handover_from=7)) is StreamStep.HAND_OVER
    return life


STATES: dict[StreamState, Callable[[], StreamLife]] = {
    StreamState.WAITING: waiting,
    StreamState.ENCODING: encoding,
    StreamState.LEAVING: leaving,
}
EVENTS: dict[str, tuple[bus.DirectoryOutlet, ...]] = {
    "same": (lease(),),
    "ours": (lease(epoch=9),),
    "moved": (lease(id_="f", epoch=9, handover_from=7),),
    "others": (
        lease(id_="f", epoch=9),
        lease(id_="f", epoch=9, handover_from=8),
        lease(alive=False, epoch=9),
        lease(epoch=0),
    ),
}


def test_the_table_answers_every_event_that_can_be() -> None:
    rows = [(StreamState[state], event) for state, event, *_ in ROWS]
    assert len(set(rows)) == len(rows)
    # Nothing is encoded while it waits, so no record is about the present epoch, or moves it.
    impossible = {(StreamState.WAITING, "same"), (StreamState.WAITING, "moved")}
    assert set(rows) == set(product(StreamState, (*EVENTS, "ended"))) - impossible


@pytest.mark.parametrize(("state", "event", "after", "step"), ROWS, ids=str)
def test_the_table_and_the_code_agree(state: str, event: str, after: str, step: str) -> None:
    for record in EVENTS.get(event, (None,)):
        life = STATES[StreamState[state]]()
        assert life.state is StreamState[state]
        if record is None:
            life.ended()
        else:
            assert take(life, record) is StreamStep[step]
        assert life.state is StreamState[after]
        assert bool(life.epoch) == (life.state is not StreamState.WAITING)


def test_the_epoch_is_that_of_the_lease() -> None:
    life = waiting()
    take(life, lease(epoch=3))
    assert life.epoch == 3
    take(life, lease(epoch=5))
    assert life.epoch == 5
    take(life, lease(id_="f", epoch=6, handover_from=5))
    assert life.epoch == 5, "it goes on by its own"
    take(life, lease(id_="f", epoch=6))
    assert life.epoch == 0


def test_a_handover_that_moved_twice_goes_on() -> None:
    life = leaving()
    assert take(life, lease(id_="g", epoch=9, handover_from=7)) is StreamStep.NOTHING
    assert take(life, lease(id_="g", epoch=9, handover_from=8)) is StreamStep.STOP


def test_a_lease_that_comes_back_within_a_handover_starts_anew() -> None:
    # From this encoder to another and back: the directory still says that the old epoch may go on,
    # and gateways drop it, because they know the newer lease of this encoder.
    life = leaving()
    assert take(life, lease(epoch=9, handover_from=7)) is StreamStep.RESTART
    assert (life.state, life.epoch) == (StreamState.ENCODING, 9)
