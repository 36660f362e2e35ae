"""Since when a viewer has not painted what its stream has."""

from fanlight_gateway.lateness import _MOST, Lateness


def test_a_desk_that_does_not_change_is_never_late() -> None:
    late = Lateness()
    assert late.behind_ms(1e9) == 0
    late.offered(1, 1, 100)
    late.painted(1, 1)
    assert late.behind_ms(1e9) == 0


def test_it_is_the_oldest_unpainted_unit_that_counts() -> None:
    late = Lateness()
    for number in range(1, 5):
        late.offered(7, number, 100.0 * number)
    assert late.behind_ms(1000) == 900
    late.painted(7, 2)
    assert late.behind_ms(1000) == 700
    late.painted(7, 1)  # says nothing
    assert late.behind_ms(1000) == 700


def test_an_idr_of_another_epoch_makes_up_for_what_was_lost() -> None:
    late = Lateness()
    late.offered(7, 9, 100)
    late.offered(8, 1, 500)
    late.painted(8, 1)
    assert late.behind_ms(1000) == 0


def test_it_is_forgotten_with_the_stream() -> None:
    late = Lateness()
    late.offered(7, 9, 100)
    late.forget()
    assert late.behind_ms(1000) == 0


def test_what_is_noted_is_bounded_and_the_oldest_stays() -> None:
    late = Lateness()
    for number in range(_MOST + 50):
        late.offered(7, number, float(number))
    assert len(late._unpainted) == _MOST
    assert late.behind_ms(5000) == 5000
    late.painted(7, _MOST + 49)
    assert late.behind_ms(5000) == 0
