"""What viewers get if there are two directories, by mistake at once or one after the other.

Two registries know the same processes and give the same epoch to two encoders. A gateway hears
both; `fanlight_common.core.handover` decides what its viewers get.
"""

import itertools
from collections.abc import Iterator

import pytest

from fanlight_common.core.handover import Handover, LeaseChange, Verdict
from fanlight_common.protocol import bus
from fanlight_directory.core.registry import Registry
from tests.directory.bench import (
    LEASE,
    TIMING,
    Bench,
    capture,
    encoder,
    leases,
    the_lease,
)


def directories() -> tuple[Bench, Bench]:
    """Each directory leased main/high in the same second, before it knew the other's encoder."""
    benches = Bench(), Bench()
    for number, bench in enumerate(benches, 1):
        bench.hear(capture(), encoder(number, f"instance-{number}"))
        bench.ask()
    return benches


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_one_epoch_of_two_encoders_never_mixes_them(order: tuple[int, int]) -> None:
    records = [the_lease(bench.ask()) for bench in directories()]
    first, second = (records[number] for number in order)
    assert first.epoch == second.epoch
    assert first.instance != second.instance
    gateway, epoch = Handover(), first.epoch
    assert gateway.leased(first) is LeaseChange.CUT
    assert gateway.unit(first.instance, epoch, idr=True) is Verdict.FIRST
    assert gateway.unit(first.instance, epoch, idr=False) is Verdict.PASS
    # The other directory publishes. Gates close, and only the other encoder's IDR opens them.
    assert gateway.leased(second) is LeaseChange.CUT
    assert gateway.unit(first.instance, epoch, idr=False) is Verdict.OLD
    assert gateway.unit(first.instance, epoch, idr=True) is Verdict.OLD
    assert gateway.unit(second.instance, epoch, idr=False) is Verdict.EARLY
    assert gateway.unit(second.instance, epoch, idr=True) is Verdict.FIRST
    assert gateway.unit(second.instance, epoch, idr=False) is Verdict.PASS


class Both:
    """From now on everybody hears both directories, in either order."""

    def __init__(self, flips: Iterator[bool]) -> None:
        self.benches = directories()
        self.flips = flips
        self.gateway = Handover()
        self.held: dict[int, dict[str, int]] = {1: {}, 2: {}}
        self.shown: list[tuple[int, str]] = []
        for bench in self.benches:
            for record in leases(bench.ask()):
                self.see(record)

    def see(self, record: bus.LeaseRecord) -> None:
        """Return what an encoder holds: what the last record that it saw gives to it."""
        for number, held in self.held.items():
            if record.alive and record.id == f"encoder-{number}":
                held["main/high"] = record.epoch
            else:
                held.clear()
        self.gateway.leased(record)

    def beat(self) -> None:
        """A quarter of a second passes. Both encoders beat to both directories, and send an IDR."""
        said = []
        for bench in self.benches[:: 1 if next(self.flips) else -1]:
            bench.now += 0.25
            bench.hear(capture())
            for number, held in self.held.items():
                said += leases(bench.hear(encoder(number, f"instance-{number}", dict(held))))
            said += leases(bench.registry.tick(bench.now, bench.unix_s))
        for record in said:
            self.see(record)
        for number, held in self.held.items():
            for epoch in held.values():
                verdict = self.gateway.unit(f"instance-{number}", epoch, idr=True)
                if verdict in (Verdict.FIRST, Verdict.PASS):
                    self.shown.append((epoch, f"encoder-{number}"))


@pytest.mark.parametrize("flips", [[True], [False], [True, False], [True, True, False]])
def test_two_directories_agree_in_the_end_and_viewers_see_epochs_that_grow(
    flips: list[bool],
) -> None:
    world = Both(itertools.cycle(flips))
    for _ in range(60):
        world.beat()
    records = [the_lease(bench.ask()) for bench in world.benches]
    assert records[0].id == records[1].id
    assert records[0].epoch == records[1].epoch
    (holder,) = [number for number, held in world.held.items() if held]
    assert records[0].id == f"encoder-{holder}"
    # The picture goes on from the encoder that both directories name, and it never went back.
    assert world.shown[-1] == (records[0].epoch, records[0].id)
    assert len(world.shown) > 20
    epochs = [epoch for epoch, _ in world.shown]
    assert epochs == sorted(epochs)


def test_a_new_directory_whose_clock_is_behind_is_heard_once_its_epochs_catch_up() -> None:
    """The encoder that held the stream is lost with the directory. So nobody claims its epoch."""
    bench = Bench()
    bench.hear(capture(), encoder(1, "instance-1"))
    before = the_lease(bench.ask(LEASE))
    gateway = Handover()
    gateway.leased(before)
    late = Bench(settled=False)
    late.now -= 4.0
    late.registry = Registry(TIMING, late.now)
    late.hear(capture(), encoder(2, "instance-2"))
    late.ask()
    held: dict[str, int] = {}
    heard = None
    for _ in range(100):
        late.now += 0.25
        said = leases(late.hear(capture(), encoder(2, "instance-2", dict(held))))
        said += leases(late.registry.tick(late.now, late.unix_s))
        for record in said:
            # The encoder encodes and claims only once a gateway has connected because of the lease.
            if record.alive and gateway.leased(record) is not LeaseChange.STALE:
                heard = record
                held["main/high"] = record.epoch
    assert heard is not None
    assert heard.epoch > before.epoch
    assert the_lease(late.ask(LEASE)) == heard
