"""A registry with a clock that is turned by hand, and heartbeats of those who talk to it."""

from dataclasses import replace
from typing import Any

from fanlight_common.protocol import bus, topics
from fanlight_directory.core.effects import Effect, Publish
from fanlight_directory.core.registry import Registry, Timing

TIMING = Timing(timeout_s=1.0, settle_s=1.0, grace_s=2.0, forget_s=600.0)
UNIX = 1_700_000_000
LEASE = topics.lease("main/high")
IMPOSSIBLE: list[dict[str, Any]] = [
    {"kind": "Encoder"},
    {"kind": ""},
    {"id": "../etc"},
    {"instance": ""},
    {"outlet": "x" * 257},
    {"host": "x" * 257},
    {"capacity": -1},
    {"capacity": 10_001},
    {"load": float("nan")},
    {"load": -0.1},
    {"load": 1.1},
    {"desks": (bus.DeskOffer("A B", 1, 1),)},
    {"desks": (bus.DeskOffer("a", -1, 1),)},
    {"desks": (bus.DeskOffer("a", 1, 32_769),)},
    {"streams": (bus.HeldStream("main", 1),)},
    {"streams": (bus.HeldStream("main/medium", 1),)},
    {"streams": (bus.HeldStream("main/high", 0),)},
    {"streams": (bus.HeldStream("main/high", 2**32),)},
]
"""Fields that make a heartbeat one that cannot be true."""


def beat(kind: str, id_: str, instance: str = "1", **more: Any) -> bus.Heartbeat:
    """Return the heartbeat of a process on host `h`."""
    plain = bus.Heartbeat(
        kind=kind,
        id=id_,
        instance=instance,
        host="h",
        outlet=f"ipc:///{id_}.outlet",
        inlet=f"ipc:///{id_}.inlet",
        http="",
        desks=(),
        capacity=0,
        load=0.0,
        streams=(),
    )
    return replace(plain, **more)


def capture(desk: str = "main", instance: str = "1", id_: str = "", **more: Any) -> bus.Heartbeat:
    """Return the heartbeat of a capture of one desk."""
    more = {"desks": (bus.DeskOffer(desk, 1920, 1080),), **more}
    return beat("capture", id_ or f"capture-{desk}", instance, **more)


def encoder(
    number: int, instance: str = "1", held: dict[str, int] | None = None, **more: Any
) -> bus.Heartbeat:
    """Return the heartbeat of an encoder for four streams, which holds `held` (stream: epoch)."""
    streams = tuple(bus.HeldStream(stream, epoch) for stream, epoch in (held or {}).items())
    return beat(
        "encoder", f"encoder-{number}", instance, **{"capacity": 4, "streams": streams, **more}
    )


class Bench:
    """A registry, a clock that is turned by hand, and the processes that send heartbeats."""

    def __init__(self, settled: bool = True) -> None:
        self.now = 100.0
        self.registry = Registry(TIMING, self.now)
        self.beating: dict[str, bus.Heartbeat] = {}
        if settled:
            self.wait(TIMING.settle_s)

    @property
    def unix_s(self) -> int:
        return UNIX + int(self.now)

    def hear(self, *beats: bus.Heartbeat) -> list[Effect]:
        """Hear these, which send heartbeats from now on; return the effects."""
        effects: list[Effect] = []
        for one in beats:
            self.beating[one.id] = one
            effects += self.registry.heartbeat(one, self.now, self.unix_s)
        return effects

    def claiming(self, one: bus.Heartbeat) -> bus.Heartbeat:
        """Return the heartbeat with what its encoder holds, unless it claims streams already."""
        records = self.registry._present.values()
        held = tuple(
            bus.HeldStream(r.stream, r.epoch)
            for r in records
            if isinstance(r, bus.LeaseRecord) and r.alive and (r.id, r.instance) == _who(one)
        )
        return one if one.streams or not held else replace(one, streams=held)

    def bye(self, one: bus.Heartbeat) -> list[Effect]:
        """End a process that says farewell; return the effects."""
        self.beating.pop(one.id, None)
        return self.registry.farewell(bus.Farewell(one.id, one.instance), self.now, self.unix_s)

    def mute(self, one: bus.Heartbeat) -> None:
        """End a process without a word."""
        del self.beating[one.id]

    def ask(self, topic: bytes = LEASE) -> list[Effect]:
        return self.registry.subscribed(topic, self.now, self.unix_s)

    def leave(self, topic: bytes = LEASE) -> None:
        self.registry.unsubscribed(topic, self.now)

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, in steps, while the living send heartbeats; return the effects."""
        effects: list[Effect] = []
        for _ in range(round(seconds / 0.1)):
            # Rounded, so that a hundred tenths are ten seconds.
            self.now = round(self.now + 0.1, 6)
            for one in self.beating.values():
                effects += self.registry.heartbeat(self.claiming(one), self.now, self.unix_s)
            effects += self.registry.tick(self.now, self.unix_s)
        return effects


def _who(beat: bus.Heartbeat) -> tuple[str, str]:
    return beat.id, beat.instance


def published(effects: list[Effect]) -> list[bus.DirectoryOutlet]:
    return [effect.record for effect in effects if isinstance(effect, Publish)]


def leases(effects: list[Effect]) -> list[bus.LeaseRecord]:
    return [record for record in published(effects) if isinstance(record, bus.LeaseRecord)]


def the_lease(effects: list[Effect]) -> bus.LeaseRecord:
    (record,) = leases(effects)
    return record


def desk_records(effects: list[Effect]) -> list[bus.DeskRecord]:
    return [record for record in published(effects) if isinstance(record, bus.DeskRecord)]
