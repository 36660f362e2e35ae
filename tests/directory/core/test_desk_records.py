"""What the directory says of desks, event by event."""

from dataclasses import replace

from fanlight_common.protocol import bus
from fanlight_directory.core.effects import Contested
from tests.directory.bench import Bench, beat, capture, desk_records


def test_a_desk_is_announced_resized_and_gone() -> None:
    bench = Bench()
    main = capture()
    record = bus.DeskRecord(
        "main", True, "capture-main", "1", "h", main.outlet, main.inlet, 1920, 1080
    )
    assert desk_records(bench.hear(main)) == [record]
    away = replace(main, desks=(bus.DeskOffer("main", 0, 0),))
    assert desk_records(bench.hear(away)) == [replace(record, width=0, height=0)]
    bench.mute(away)
    dead = bus.DeskRecord("main", False, "", "", "", "", "", 0, 0)
    assert desk_records(bench.wait(1.3)) == [dead]


def test_a_desk_no_longer_offered_is_gone() -> None:
    bench = Bench()
    both = (bus.DeskOffer("a", 1, 1), bus.DeskOffer("b", 1, 1))
    bench.hear(beat("capture", "c", desks=both))
    (record,) = desk_records(bench.hear(beat("capture", "c", desks=both[:1])))
    assert (record.desk, record.alive) == ("b", False)


def test_a_restarted_capture_is_not_gone_in_between() -> None:
    bench = Bench()
    bench.hear(capture(instance="old"))
    (record,) = desk_records(bench.hear(capture(instance="new")))
    assert (record.alive, record.instance) == (True, "new")


def test_of_two_captures_of_a_desk_the_later_wins_until_it_goes() -> None:
    bench = Bench()
    bench.hear(capture(id_="first"))
    effects = bench.hear(capture(id_="second"))
    assert desk_records(effects)[0].id == "second"
    assert Contested("desk", "main", "second", "first") in effects
    # Nobody watches the desk of the loser, so its size changes nothing.
    resized = capture(id_="first", desks=(bus.DeskOffer("main", 640, 480),))
    assert bench.hear(resized) == []
    (record,) = desk_records(bench.bye(capture(id_="second")))
    assert (record.id, record.width) == ("first", 640)
