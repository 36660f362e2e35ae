"""For how long a viewer has not painted what its stream has."""

from fanlight_gateway.core.paint_lag import _MOST, PaintLag, UnitLog


class Stream:
    def __init__(self) -> None:
        self.history = UnitLog()
        self.viewer = PaintLag()

    def offered(self, epoch: int, sequence: int, now: float) -> None:
        self.history.add((epoch, sequence), now)

    def behind_s(self, now: float) -> float:
        return self.viewer.behind_s(self.history, now)


def test_a_desk_that_does_not_change_is_never_late() -> None:
    s = Stream()
    assert s.behind_s(1e9) == 0
    s.offered(1, 1, 100)
    s.viewer.painted(1, 1)
    assert s.behind_s(1e9) == 0


def test_it_is_the_oldest_unpainted_unit_that_counts() -> None:
    s = Stream()
    for number in range(1, 5):
        s.offered(7, number, 100.0 * number)
    assert s.behind_s(1000) == 900
    s.viewer.painted(7, 2)
    assert s.behind_s(1000) == 700
    s.viewer.painted(7, 1)  # an older unit says nothing new
    assert s.behind_s(1000) == 700


def test_an_idr_of_another_epoch_makes_up_for_what_was_lost() -> None:
    s = Stream()
    s.offered(7, 9, 100)
    s.offered(8, 1, 500)
    s.viewer.painted(8, 1)
    assert s.behind_s(1000) == 0


def test_it_is_forgotten_with_the_stream() -> None:
    s = Stream()
    s.offered(7, 9, 100)
    assert s.behind_s(150) == 50
    s.viewer.forget(200)
    assert s.behind_s(1000) == 0
    s.offered(7, 10, 300)
    assert s.behind_s(1000) == 700


def test_who_comes_later_is_not_late_with_what_was_before() -> None:
    s = Stream()
    s.offered(7, 9, 100)
    other = PaintLag()
    other.forget(150)
    assert other.behind_s(s.history, 1000) == 0
    assert s.behind_s(1000) == 900


def test_what_is_noted_is_bounded_and_the_oldest_stays_with_who_is_late() -> None:
    s = Stream()
    for number in range(_MOST + 50):
        s.offered(7, number, float(number))
        if number == 10:
            assert s.behind_s(20) == 20
    assert len(s.history._labels) == _MOST
    assert s.behind_s(5000) == 5000
    s.viewer.painted(7, _MOST + 49)
    assert s.behind_s(5000) == 0
